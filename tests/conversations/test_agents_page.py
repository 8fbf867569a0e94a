"""Does the Agents view say who is where, set by whom, with how much work; to whom, and at what cost?"""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from conversations.reports.agents.listing import Listing, listing
from conversations.reports.agents.person import person
from routing.models import (
    Agent,
    AgentProfile,
    AgentSkill,
    BasePresence,
    CapacityProfile,
    Presence,
    QueueMembership,
    SetBy,
    Skill,
    User,
)
from routing.services.presence import set_presence
from supervisor_console.kernel.actor import Actor
from supervisor_console.kernel.errors import NotVisible
from tests.cast import Floor, actor_of, at, make_agent
from tests.cast import set_presence as give_presence

URL = "/agents/"
HTMX = {"HX-Request": "true"}
REFRESH = HTMX | {"HX-Trigger": "agents", "HX-Target": "agents"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def sign_in(client: Client) -> Callable[[User], Client]:
    def sign_in(who: User) -> Client:
        client.force_login(who)
        return client

    return sign_in


SignIn = Callable[[User], Client]


def looked(actor: Actor, **values: str | list[str]) -> Listing:
    asked = {name: value if isinstance(value, list) else [value] for name, value in values.items()}
    return listing(actor, asked, now=at(100))


def names(found: Listing) -> list[str]:
    return [row.name for row in found.rows]


# --- who ------------------------------------------------------------------------------------------------------------


def test_a_stranger_is_asked_to_log_in(client: Client) -> None:
    assert client.get(URL).headers["Location"].startswith("/login/")


@pytest.mark.parametrize("page", ["", "panel/", "presence/"])
def test_it_needs_the_supervisor_role(floor: Floor, sign_in: SignIn, page: str) -> None:
    address = f"{URL}presence/?agent={floor.ana.pk}" if page == "presence/" else f"{URL}{floor.ana.pk}/{page}"

    for who in (floor.ana.user, floor.otto):
        for url in (URL, address):
            response = sign_in(who).get(url)
            assert response.status_code == 403
            assert "supervisor role" in response.content.decode()


def test_it_stands_in_the_navigation_of_supervisors_only(floor: Floor, sign_in: SignIn) -> None:
    link = f'href="{URL}"'

    assert link in sign_in(floor.sara).get("/conversations/").content.decode()
    assert link not in sign_in(floor.ana.user).get("/desk/").content.decode()


def test_a_supervisor_of_some_queues_sees_their_members_only(floor: Floor, sign_in: SignIn) -> None:
    stefan = actor_of(floor.stefan)

    assert names(looked(actor_of(floor.sara))) == ["Ana Test", "Boris Test", "Cene Test"]
    assert names(looked(stefan)) == ["Ana Test", "Boris Test"]
    assert "Billing" in looked(stefan).scope
    with pytest.raises(NotVisible):
        person(stefan, floor.cene.pk, now=at(100))
    assert sign_in(floor.stefan).get(f"{URL}{floor.cene.pk}/").status_code == 404
    assert "Cene" not in sign_in(floor.stefan).get(URL, {"q": "cene", "tab": "all"}).content.decode()


def test_bots_the_deactivated_and_who_lost_the_role_are_not_listed(floor: Floor) -> None:
    make_agent("robot", floor.billing, is_bot=True)
    User.objects.filter(pk=floor.ana.user_id).update(is_active=False)
    floor.boris.user.groups.clear()

    assert names(looked(actor_of(floor.sara), tab="all")) == ["Cene Test"]


# --- what a row says ------------------------------------------------------------------------------------------------


def test_a_row_says_where_since_when_and_who_set_it(floor: Floor) -> None:
    away = Presence.objects.get(code="away")
    set_presence(actor_of(floor.sara), floor.ana.pk, presence_id=away.pk, now=at(40))
    set_presence(actor_of(floor.boris), floor.boris.pk, presence_id=away.pk, now=at(70))

    ana, boris, cene = looked(actor_of(floor.sara)).rows

    assert (ana.presence_label, ana.since.text, ana.set_by) == ("Away", "1:00", "Supervisor Sara Test")
    assert (boris.presence_label, boris.since.text, boris.set_by) == ("Away", "0:30", "Agent")
    assert (cene.presence_label, cene.set_by) == ("Available", "System")


def test_a_row_says_how_much_work_and_what_waits_for_an_answer(floor: Floor) -> None:
    floor.active(by=floor.ana)
    floor.offered(to=floor.ana)
    floor.waiting(by=floor.ana)

    ana, boris, _cene = looked(actor_of(floor.sara)).rows

    assert (ana.used, ana.maximum, ana.conversations) == (60, 100, 3)
    assert [mark.text for mark in ana.marks] == ["1 offered", "1 unanswered"]
    assert (boris.used, boris.conversations, boris.marks) == (0, 0, ())


def test_the_number_of_conversations_is_what_the_report_shows_behind_it(floor: Floor, sign_in: SignIn) -> None:
    floor.active(by=floor.ana)
    floor.offered(to=floor.ana)
    floor.waiting(by=floor.ana)
    floor.closed(by=floor.ana)
    floor.active(by=floor.boris)

    row = looked(actor_of(floor.sara)).rows[0]
    report = sign_in(floor.sara).get(row.conversations_url).content.decode()

    assert report.count("<tr id=") == row.conversations == 3


def test_more_than_the_limit_is_said_in_words(floor: Floor, sign_in: SignIn) -> None:
    profile = CapacityProfile.objects.create(name="Chats", limit=1)
    AgentProfile.objects.create(agent=floor.ana, profile=profile)
    for _ in range(4):
        floor.active(by=floor.ana).profiles.add(profile)

    html = sign_in(floor.sara).get(URL).content.decode()

    assert "120/100 · over by 20 units" in html
    assert "4/1 · over by 3 items" in html


def test_queues_and_skills_are_named_the_rest_is_a_number(floor: Floor) -> None:
    for place, name in enumerate(["French", "German", "Refunds"]):
        skill = Skill.objects.create(type="Any", name=name)
        AgentSkill.objects.create(agent=floor.ana, skill=skill, proficiency=place + 2)

    ana = looked(actor_of(floor.sara)).rows[0]

    assert ana.queues.names == ("Billing", "Calls")
    assert (ana.skills.shown, ana.skills.more, ana.skills.rest) == (("Refunds 4", "German 3"), 1, "French 2")


# --- finding --------------------------------------------------------------------------------------------------------


def test_tabs_count_what_a_click_on_them_shows(floor: Floor) -> None:
    give_presence(floor.cene, BasePresence.OFFLINE)
    floor.active(by=floor.ana)
    sara = actor_of(floor.sara)

    counts = {tab.label: tab.count for tab in looked(sara).tabs}

    assert counts == {"Online": 2, "With conversations": 1, "Offline": 1, "All": 3}
    for tab, expected in (("online", 2), ("working", 1), ("offline", 1), ("all", 3)):
        assert len(looked(sara, tab=tab).rows) == expected


def test_filters_narrow_and_have_chips_that_let_go(floor: Floor) -> None:
    skill = Skill.objects.create(type="Language", name="French")
    AgentSkill.objects.create(agent=floor.boris, skill=skill)
    give_presence(floor.ana, BasePresence.AWAY)
    sara = actor_of(floor.sara)

    assert names(looked(sara, queue=str(floor.returns.pk))) == ["Cene Test"]
    assert names(looked(sara, skill=str(skill.pk))) == ["Boris Test"]
    assert names(looked(sara, presence=["away", "busy"])) == ["Ana Test"]
    both = looked(sara, queue=str(floor.billing.pk), presence="available")
    assert names(both) == ["Boris Test"]
    assert [chip.label for chip in both.chips] == ["Queue: Billing", "Presence: Available"]
    assert "presence=" not in both.chips[1].url
    assert f"queue={floor.billing.pk}" in both.chips[1].url


def test_names_are_found_without_case_and_accents(floor: Floor) -> None:
    User.objects.filter(pk=floor.cene.user_id).update(first_name="Žan", last_name="Čuk")

    assert names(looked(actor_of(floor.sara), q="cuk ZAN")) == ["Žan Čuk"]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("-load", ["Boris", "Ana", "Cene"]),
        ("load", ["Cene", "Ana", "Boris"]),
        ("-conversations", ["Boris", "Ana", "Cene"]),
        ("-name", ["Cene", "Boris", "Ana"]),
        ("-since", ["Cene", "Ana", "Boris"]),
        ("presence", ["Cene", "Ana", "Boris"]),
    ],
)
def test_every_head_that_sorts_sorts(floor: Floor, sort: str, expected: list[str]) -> None:
    floor.active(by=floor.ana)
    for _ in range(2):
        floor.active(by=floor.boris)
    Agent.objects.filter(pk=floor.boris.pk).update(presence_since=at(50))

    assert [name.split()[0] for name in names(looked(actor_of(floor.sara), sort=sort))] == expected


def test_what_means_nothing_is_said_and_left_out_of_the_address(floor: Floor, sign_in: SignIn) -> None:
    nonsense = {"tab": "everywhere", "queue": "999999", "sort": "colour", "page": "7", "open": "0"}

    found = looked(actor_of(floor.sara), **nonsense)

    assert all(f"{name}={value}" in found.ignored for name, value in nonsense.items())
    assert found.url == URL
    assert "data-ignored" in sign_in(floor.sara).get(URL, nonsense).content.decode()


@pytest.mark.parametrize(
    ("values", "title"),
    [
        ({"q": "nobody of this name"}, "Nothing matches"),
        ({"tab": "working"}, "Nobody has a conversation"),
        ({"tab": "offline"}, "Nobody is offline"),
    ],
)
def test_an_empty_list_says_why(floor: Floor, values: dict[str, str], title: str) -> None:
    empty = looked(actor_of(floor.sara), **values).empty

    assert empty is not None
    assert (empty.title, bool(empty.url)) == (title, True)


# --- page and part --------------------------------------------------------------------------------------------------


def test_the_list_is_a_region_that_follows_presences_and_load(floor: Floor, sign_in: SignIn) -> None:
    client = sign_in(floor.sara)

    page = client.get(URL, {"sort": "-load"}).content.decode()
    part = client.get(URL, {"sort": "-load"}, headers=HTMX)
    refreshed = client.get(URL, {"sort": "-load"}, headers=REFRESH)

    assert 'id="agents"' in page
    assert 'data-live="agents report"' in page
    assert f'hx-get="{URL}?sort=-load" hx-trigger="live:refresh"' in page
    assert "<html" not in part.content.decode()
    assert part.headers["HX-Push-Url"] == f"{URL}?sort=-load"
    assert "HX-Push-Url" not in refreshed.headers


def test_who_lies_open_is_in_the_address_of_the_page(floor: Floor, sign_in: SignIn) -> None:
    html = sign_in(floor.sara).get(URL, {"open": floor.ana.pk}).content.decode()

    assert f'data-panel-of="{floor.ana.pk}" hx-get="{URL}{floor.ana.pk}/panel/"' in html


def test_the_panel_without_a_script_is_the_page(floor: Floor, sign_in: SignIn) -> None:
    response = sign_in(floor.sara).get(f"{URL}{floor.ana.pk}/panel/")

    assert response.headers["Location"] == f"{URL}{floor.ana.pk}/"


def test_one_agent_in_full(floor: Floor, sign_in: SignIn) -> None:
    conversation = floor.active(by=floor.ana)
    away = Presence.objects.get(code="away")
    set_presence(actor_of(floor.sara), floor.ana.pk, presence_id=away.pk, now=at(60))

    found = person(actor_of(floor.sara), floor.ana.pk, now=at(100))

    assert [(one.subject, one.status) for one in found.held] == [(conversation.subject, "active")]
    latest, *_, first = found.stays
    assert (latest.presence_label, latest.length.text, latest.set_by) == ("Away", "0:40", "by Supervisor Sara Test")
    assert (first.presence_label, first.set_by) == ("Offline", "by System")
    for address in (f"{URL}{floor.ana.pk}/", f"{URL}{floor.ana.pk}/panel/"):
        html = sign_in(floor.sara).get(address, headers=HTMX).content.decode()
        assert conversation.subject in html
        assert "by Supervisor Sara Test" in html


def test_the_history_goes_back_page_by_page(floor: Floor, sign_in: SignIn) -> None:
    for seconds in range(50):
        give_presence(floor.ana, BasePresence.AWAY if seconds % 2 else BasePresence.BUSY, now=at(seconds))
    sara = actor_of(floor.sara)

    first = person(sara, floor.ana.pk, now=at(100))
    before = int(first.earlier_url.rpartition("=")[2])
    second = person(sara, floor.ana.pk, now=at(100), before=before)

    assert len(first.stays) == 40
    assert (len(second.stays), second.earlier_url) == (12, "")
    assert sign_in(floor.sara).get(first.earlier_url).status_code == 200


def test_of_conversations_outside_the_own_queues_only_the_number_is_said(floor: Floor) -> None:
    QueueMembership.objects.create(queue=floor.returns, agent=floor.ana)
    conversation = floor.active(by=floor.ana)
    conversation.queue = floor.returns
    conversation.save()

    found = person(actor_of(floor.stefan), floor.ana.pk, now=at(100))

    assert (found.held, found.row.conversations, found.elsewhere) == ((), 0, "and 1 outside your queues")
    assert found.row.used == 30


# --- cost -----------------------------------------------------------------------------------------------------------


def queries(do: Callable[[], object]) -> int:
    with CaptureQueriesContext(
        connection,
    ) as context:
        do()
    return len(context)


@pytest.mark.slow
@pytest.mark.parametrize("sort", ["name", "-load", "-conversations"])
def test_twice_as_many_people_cost_the_same_number_of_queries(floor: Floor, sort: str) -> None:
    profile = CapacityProfile.objects.create(name="Chats", limit=3)
    skill = Skill.objects.create(type="Language", name="French")

    def ten_more(prefix: str) -> None:
        for number in range(10):
            agent = make_agent(f"{prefix}{number}", floor.billing, floor.returns)
            AgentProfile.objects.create(agent=agent, profile=profile)
            AgentSkill.objects.create(agent=agent, skill=skill)
            floor.active(by=agent)
            floor.offered(to=agent)

    sara = actor_of(floor.sara)
    ten_more("a")
    asked = {"sort": sort, "queue": str(floor.billing.pk), "skill": str(skill.pk)}
    with_ten = queries(lambda: looked(sara, **asked))
    ten_more("b")
    found = looked(sara, **asked)

    assert len(found.rows) == 20
    assert queries(lambda: looked(sara, **asked)) == with_ten
    assert with_ten <= 27


def test_the_page_of_one_agent_costs_the_same_however_much_they_hold(floor: Floor) -> None:
    sara = actor_of(floor.sara)
    floor.active(by=floor.ana)
    with_one = queries(lambda: person(sara, floor.ana.pk, now=at(100)))
    for number in range(5):
        floor.active(by=floor.ana)
        give_presence(floor.ana, BasePresence.AWAY if number % 2 else BasePresence.BUSY, set_by=SetBy.AGENT, now=at(50))

    assert queries(lambda: person(sara, floor.ana.pk, now=at(100))) == with_one
