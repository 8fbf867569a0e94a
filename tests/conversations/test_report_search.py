"""Does a search of the report have its indexes, and does the database go without them where it must?"""

from collections.abc import Iterator

import pytest
from django.core import checks
from django.db import connection, transaction

from conversations.checks import parts_of_words_are_found
from conversations.models import Conversation, Customer, parts
from conversations.models.indexes import PartsOfWords
from conversations.services import closure
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


# --- SQLite ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def on_sqlite() -> Iterator[None]:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL has indexes for it")
    yield
    parts._are_kept.cache_clear()


def kept(name: str) -> dict[int, str]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT rowid, text FROM {name}")  # noqa: S608  A name of ours.
        return dict(cursor.fetchall())


def subjects() -> dict[int, str]:
    return dict(Conversation.objects.filter(closed_at__isnull=True).values_list("pk", "subject"))


@pytest.mark.usefixtures("on_sqlite")
def test_the_parts_of_words_are_of_what_goes_on_and_of_every_customer(floor: Floor) -> None:
    active, offered = floor.active(), floor.offered()
    assert kept(parts.SUBJECTS.name) == subjects()
    assert kept(parts.NAMES.name) == dict(Customer.objects.values_list("pk", "name"))

    Conversation.objects.filter(pk=active.pk).update(subject="Šumnik")
    Customer.objects.filter(pk=active.customer_id).update(name="Zoja")
    assert kept(parts.SUBJECTS.name) == subjects() == {active.pk: "Šumnik", offered.pk: offered.subject}
    assert kept(parts.NAMES.name)[active.customer_id] == "Zoja"
    assert ids(look(floor.sara, q="šumNIK")) == ids(look(floor.sara, q="zoja")) == pks(active)

    closure.end(actor_of(floor.ana), active.pk, now=at(300))
    closure.finish_wrap_up(actor_of(floor.ana), active.pk, now=at(301))
    assert kept(parts.SUBJECTS.name) == subjects() == {offered.pk: offered.subject}
    assert ids(look(floor.sara, q="šumn", tab="closed")) == pks(active)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM conversations_conversation WHERE id = %s", [offered.pk])
        assert kept(parts.SUBJECTS.name) == {}
        transaction.set_rollback(True)  # Other tables still name it.


@pytest.mark.usefixtures("on_sqlite")
def test_parts_that_are_not_kept_are_not_asked_and_are_made_again_after_a_migration(floor: Floor) -> None:
    conversation = floor.active()
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER conversations_parts_subject_changed")
    parts._are_kept.cache_clear()
    Conversation.objects.filter(pk=conversation.pk).update(subject="Warranty")
    assert kept(parts.SUBJECTS.name) != subjects()
    assert ids(look(floor.sara, q="warran")) == pks(conversation), "every conversation is read"

    parts.keep(using="default")

    assert kept(parts.SUBJECTS.name) == subjects()
    assert parts.can_find(["warr"])
    assert ids(look(floor.sara, q="warr")) == pks(conversation)


@pytest.mark.usefixtures("on_sqlite")
def test_no_other_letters_are_folded_to_ascii_than_those_that_are_compared() -> None:
    signs = [chr(number) for number in range(128, 0x20000) if not 0xD800 <= number < 0xE000]
    with connection.cursor() as cursor:
        cursor.execute("CREATE VIRTUAL TABLE folded USING fts5 (text, tokenize = 'trigram')")
        cursor.executemany("INSERT INTO folded (text) VALUES (%s)", [[f"xx{sign}xx"] for sign in signs])
        folded_to = set()
        for sign in map(chr, range(32, 127)):
            asked = "xx{}xx".format(sign.replace('"', '""'))
            cursor.execute("SELECT 1 FROM folded WHERE folded MATCH %s", [f'"{asked}"'])
            folded_to |= {sign.lower()} if cursor.fetchone() else set()

    assert folded_to == parts.FOLDED_TO


@pytest.mark.usefixtures("on_sqlite")
@pytest.mark.parametrize(
    "word", ['"', '"re', 'a"b OR c', "100%", "re%", "*efund*", "^ref", "re_und", "refund", "ß", "straße"]
)
def test_a_word_is_looked_up_as_it_is_read(floor: Floor, word: str) -> None:
    rows = [floor.start(now=at(place)) for place in range(6)]
    for one, subject in zip(
        rows,
        ['a"b OR c "ref*', "100% of the Refund", "*efund* ^Ref", "STRASSE", "Straße", "ſtr \u212aa reſund"],
        strict=True,
    ):
        Conversation.objects.filter(pk=one.pk).update(subject=subject)

    found = ids(look(floor.sara, q=word))
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER conversations_parts_subject_changed")
    parts._are_kept.cache_clear()

    assert found == ids(look(floor.sara, q=word, window="3d"))
