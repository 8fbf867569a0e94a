"""Does a search of the report have its indexes, and does the database go without them where it must?"""

import pytest
from django.core import checks
from django.db import connection

from conversations.checks import parts_of_words_are_found
from conversations.models import Conversation, Customer
from conversations.models.indexes import PartsOfWords
from tests.cast import Floor, actor_of, at
from tests.conversations.test_report_list import ids, look, pks

pytestmark = pytest.mark.django_db

INDEXES = [
    (model, index) for model in (Conversation, Customer) for index in model._meta.indexes if type(index) is PartsOfWords
]


def warnings() -> list[checks.CheckMessage]:
    return list(parts_of_words_are_found(None, databases=["default"]))


def test_nothing_is_missing_after_the_migrations() -> None:
    assert warnings() == []


def test_a_search_without_its_indexes_finds_the_same_and_the_check_says_how_to_make_them(floor: Floor) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has none")
    conversation = floor.active()
    before = ids(look(floor.sara, q="est"))
    with connection.cursor() as cursor:
        cursor.execute("DROP EXTENSION pg_trgm CASCADE")

    assert ids(look(floor.sara, q="est")) == before == pks(conversation)
    (warning,) = warnings()
    assert warning.id == "conversations.W001"
    assert warning.hint is not None
    statements = warning.hint.partition(": ")[2].split("; ")
    assert len(statements) == 1 + len(INDEXES)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # The test's own rows wait for that.
        for statement in statements:
            cursor.execute(statement)
    assert warnings() == []


def test_an_index_of_words_is_not_made_where_the_extension_is_not() -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("DROP EXTENSION pg_trgm CASCADE")
    editor = connection.schema_editor(collect_sql=True)

    assert {str(index.create_sql(model, editor)) for model, index in INDEXES} == {"SELECT 1"}


@pytest.mark.parametrize("words", ["est bil", "bil est", "est zzz"])
def test_every_word_must_be_there_whichever_is_looked_up(floor: Floor, words: str) -> None:
    Conversation.objects.filter(pk=(kept := floor.active()).pk).update(subject="Bill")
    Conversation.objects.filter(pk=floor.start(now=at(5)).pk).update(subject="Other")
    assert actor_of(floor.sara).is_supervisor

    found = ids(look(floor.sara, q=words))

    assert found == ([] if "zzz" in words else pks(kept))
