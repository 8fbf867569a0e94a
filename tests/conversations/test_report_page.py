"""Does the page of the report hold together: who may see it, what it costs, what it says without a script?"""

import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conversations.models import Conversation
from conversations.reports.columns import COLUMNS
from conversations.services import assignment, supervision
from routing.models import Channel, User
from supervisor_console.kernel.actor import Role
from tests.cast import Floor, actor_of, make_agent

URL = "/conversations/"
ALL = {"window": "all"}
"""The cast lives in a time of its own, which is not within the last 24 hours."""
HTMX = {"HX-Request": "true"}
REFRESH = HTMX | {"HX-Trigger": "report", "HX-Target": "report"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def sign_in(client: Client) -> Callable[[User], Client]:
    def sign_in(who: User) -> Client:
        client.force_login(who)
        return client

    return sign_in


SignIn = Callable[[User], Client]


# --- who --------------------------------------------------------------------------------------------------


def test_a_stranger_is_asked_to_log_in(client: Client) -> None:
    response = client.get(URL)

    assert response.status_code == 302
    assert response.headers["Location"].startswith("/login/")


def test_an_agent_is_told_that_it_needs_a_supervisor(floor: Floor, sign_in: SignIn) -> None:
    response = sign_in(floor.ana.user).get(URL)

    assert response.status_code == 403
    assert "supervisor role" in response.content.decode()


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_the_report_is_only_read(floor: Floor, sign_in: SignIn, method: str) -> None:
    assert getattr(sign_in(floor.sara), method)(URL).status_code == 405


def test_what_depends_on_the_viewer_stands_outside_the_rows(floor: Floor, sign_in: SignIn) -> None:
    conversation = floor.active()
    row = re.compile(rf'<tr id="row-{conversation.pk}".*?</tr>', re.DOTALL)

    saras = sign_in(floor.sara).get(URL, ALL).content.decode()
    stefans = sign_in(floor.stefan).get(URL, ALL).content.decode()

    assert clocks_stopped(row.search(saras)) == clocks_stopped(row.search(stefans))
    assert 'data-scope=""' in saras
    assert (
        f'data-scope="[{", ".join(str(pk) for pk in sorted(actor_of(floor.stefan).supervised_queue_ids or []))}]"'
        in stefans
    )
    assert f'data-viewer-agent="{actor_of(floor.stefan).agent_id}"' in stefans


def clocks_stopped(row: re.Match[str] | None) -> str:
    assert row is not None
    return re.sub(r">[\d:]+</time>", "></time>", row.group(0))


def test_who_also_holds_the_api_role_reads_why_nothing_can_be_done(floor: Floor, sign_in: SignIn) -> None:
    floor.sara.groups.add(floor.api.groups.get(name=Role.API_ACCESS.value))

    assert "api_role_conflict" in sign_in(floor.sara).get(URL).content.decode()


# --- page and part ----------------------------------------------------------------------------------------


def test_htmx_gets_the_region_alone(floor: Floor, sign_in: SignIn) -> None:
    floor.start()
    client = sign_in(floor.sara)

    page, part = client.get(URL), client.get(URL, headers=HTMX)

    assert page.content.decode().count('id="report"') == 1
    assert "<html" not in part.content.decode()
    assert part.content.decode().count('id="report"') == 1
    assert "HX-Request" in part.headers["Vary"]


def test_a_changed_view_gets_its_plain_address_and_a_refresh_gets_none(floor: Floor, sign_in: SignIn) -> None:
    client = sign_in(floor.sara)

    chosen = client.get(URL, {"q": "", "tab": "ongoing", "status": "open"}, headers=HTMX)
    refreshed = client.get(URL, {"status": "open"}, headers=REFRESH)

    assert chosen.headers["HX-Push-Url"] == f"{URL}?status=open"
    assert "HX-Push-Url" not in refreshed.headers


def test_a_refresh_asks_for_the_same_view(floor: Floor, sign_in: SignIn) -> None:
    html = sign_in(floor.sara).get(URL, {"status": "open", "sort": "-wait", "cols": "queue"}).content.decode()

    assert (
        f'hx-get="{URL}?status=open&amp;sort=-wait&amp;cols=subject&amp;cols=queue" hx-trigger="live:refresh"' in html
    )


def test_a_refresh_leaves_the_menu_as_it_is(floor: Floor, sign_in: SignIn) -> None:
    client = sign_in(floor.sara)

    chosen, refreshed = (
        client.get(URL, headers=HTMX).content.decode(),
        client.get(URL, headers=REFRESH).content.decode(),
    )

    key = re.search(r'id="report-filters"[^>]*data-keep="([^"]*)"', refreshed)
    assert key is not None
    assert key.group(0) in chosen
    assert "Cene Test" in chosen
    assert "Cene Test" not in refreshed


def test_what_was_ignored_is_said(floor: Floor, sign_in: SignIn) -> None:
    client = sign_in(floor.sara)

    page = client.get(URL, {"window": "<b>5y</b>"}).content.decode()
    part = client.get(URL, {"window": "5y"}, headers=HTMX)

    assert "window=&lt;b&gt;5y&lt;/b&gt;" in page
    assert "window=5y" in part.headers["HX-Trigger"]


def test_the_open_conversation_comes_back_with_the_page(floor: Floor, sign_in: SignIn) -> None:
    conversation = floor.start()

    html = sign_in(floor.sara).get(URL, {"open": conversation.pk}).content.decode()

    assert f'data-panel-of="{conversation.pk}"' in html
    assert f'hx-get="/conversations/{conversation.pk}/panel/" hx-trigger="load"' in html


# --- without a script -------------------------------------------------------------------------------------


def test_everything_is_a_link_or_a_form_that_gets(floor: Floor, sign_in: SignIn) -> None:
    floor.start()
    html = sign_in(floor.sara).get(URL, {"status": "open", "window": "3d", "q": "maja"}).content.decode()
    region = html[html.index('id="report"') : html.index("</main>")]

    assert re.findall(r"<a (?![^>]*href=)[^>]*>", region) == []
    forms = re.findall(r"<form [^>]*>.*?</form>", region, re.DOTALL)
    assert len(forms) == 3
    for form in forms:
        assert 'method="get"' in form
        assert 'type="submit"' in form
        assert '<input type="hidden" name="window" value="3d">' in form
        assert form.count('name="q"') == 1
        assert 'name="page"' not in form


def test_a_form_keeps_what_it_does_not_ask(floor: Floor, sign_in: SignIn) -> None:
    client = sign_in(floor.sara)
    html = client.get(
        URL, {"status": ["open", "active"], "sort": "-wait", "cols": ["subject", "queue"]}
    ).content.decode()
    search = html[html.index('id="report-search"') :]
    search = search[: search.index("</form>")]

    hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', search)

    assert hidden == [
        ("status", "open"),
        ("status", "active"),
        ("sort", "-wait"),
        ("cols", "subject"),
        ("cols", "queue"),
    ]


def test_the_address_chooses_the_columns(floor: Floor, sign_in: SignIn) -> None:
    floor.start()
    html = sign_in(floor.sara).get(URL, ALL | {"cols": ["priority", "workstream"]}).content.decode()

    assert re.findall(r'<th [^>]*id="head-(\w+)"', html) == ["subject", "workstream", "priority"]
    row = html[html.index("<tr id=") :]
    assert row[: row.index("</tr>")].count("<td") == 4


@pytest.mark.parametrize("tab", ["ongoing", "closed", "all"])
def test_every_column_can_be_printed(floor: Floor, sign_in: SignIn, tab: str) -> None:
    floor.active()
    floor.closed(by=floor.boris)
    response = sign_in(floor.sara).get(URL, {"tab": tab, "window": "all", "cols": [column.key for column in COLUMNS]})
    html = response.content.decode()

    row = html[html.index("<tr id=") :]
    assert row[: row.index("</tr>")].count("<td") == len(COLUMNS) + 1


def test_long_and_strange_texts_do_not_break_the_row(floor: Floor, sign_in: SignIn) -> None:
    subject = ("<script>\"'&" + "Ω" * 200)[:200]
    Conversation.objects.filter(pk=floor.start().pk).update(subject=subject)

    html = sign_in(floor.sara).get(URL, ALL).content.decode()

    assert "<script>&quot;" not in html
    strange = "&lt;script&gt;&quot;&#x27;&amp;" + "Ω" * 189
    assert html[html.index("<tbody") :].count(strange) == 3, "checkbox, title and link"
    assert html[: html.index("<tbody")].count(strange) == 3, "in the lane: title, link and button"


# --- nonsense ---------------------------------------------------------------------------------------------


@pytest.mark.slow
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    st.dictionaries(
        st.sampled_from(["tab", "window", "queue", "agent", "channel", "status", "sentiment", "q"])
        | st.sampled_from(["sort", "page", "cols", "open", "density", "next"]),
        st.lists(
            st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
            | st.sampled_from(
                ["none", "0", "-1", "9" * 30, "1e9", "null", "NaN", "\x00", "%00", "../..", "closed", "-"]
            ),
            max_size=4,
        ),
        max_size=8,
    )
)
def test_no_address_breaks_the_page(floor: Floor, sign_in: SignIn, parameters: dict[str, list[str]]) -> None:
    assert sign_in(floor.sara).get(URL, parameters).status_code == 200


@pytest.mark.parametrize("query", ["%FF%FE", "q=%FF", "a[b]=c", "&&&=&", "q=" + "x" * 3000, "queue=" + "1" * 3000])
def test_no_raw_query_string_breaks_the_page(floor: Floor, sign_in: SignIn, query: str) -> None:
    assert sign_in(floor.sara).get(f"{URL}?{query}").status_code == 200


# --- cost -------------------------------------------------------------------------------------------------


def fill(floor: Floor, number: int) -> None:
    """So many more rows, each with something to be looked up: an agent, a pending transfer, a monitor."""
    sara = actor_of(floor.sara)
    for _ in range(number):
        first, second = (make_agent(f"agent{User.objects.count()}", floor.billing) for _both in range(2))
        chat = floor.active(by=first)
        supervision.monitor(sara, chat.pk)
        chat.refresh_from_db()
        assignment.transfer(sara, chat.pk, agent_id=second.pk, version=chat.version)


def cost(client: Client, headers: dict[str, str] | None = None, **parameters: str) -> list[str]:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        response = client.get(URL, ALL | parameters, headers=headers or {})
    assert response.status_code == 200
    return [query["sql"] for query in queries.captured_queries]


@pytest.mark.slow
@pytest.mark.parametrize("headers", [{}, HTMX, REFRESH], ids=["page", "part", "refresh"])
def test_twenty_rows_cost_as_many_queries_as_ten(floor: Floor, sign_in: SignIn, headers: dict[str, str]) -> None:
    client = sign_in(floor.sara)
    fill(floor, 10)
    ten = cost(client, headers)
    fill(floor, 10)
    twenty = cost(client, headers)

    assert len(twenty) == len(ten), "\n".join(twenty)


def test_the_page_keeps_to_its_budget(floor: Floor, sign_in: SignIn) -> None:
    client = sign_in(floor.sara)
    floor.active()
    floor.start(Channel.VOICE)

    # Who it is: session, user, roles, agent, two for the permission. The report: queues, agents, the counters, agents
    # on shift, settings, ids, rows, their agents, offers, onlookers, the lane. Around it: notices.
    assert len(cost(client)) <= 19
    # A refresh needs neither the names for the menu nor what stands around the region.
    assert len(cost(client, REFRESH)) <= 17


def test_counting_and_paging_keep_to_the_partial_indexes(floor: Floor, sign_in: SignIn) -> None:
    client = sign_in(floor.sara)
    floor.start()

    conditions = [sql for sql in cost(client) if 'FROM "conversations_conversation"' in sql and "WHERE" in sql]

    assert len([sql for sql in conditions if '"closed_at" IS NULL' in sql]) == 3, "the counters, the page, the lane"
    assert len([sql for sql in conditions if '"closed_at" IS NOT NULL' in sql]) == 1, "the counters"
    assert not any("state\" = 'closed'" in sql for sql in conditions)
