"""Do administrators get people in, set up and out, without breaking a rule? (domain.md 1.3)"""

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from routing.models import Agent, BasePresence, CapacityProfile, Presence, PresenceChange, SetBy, Skill, User
from routing.selectors import VIEW_ALL_QUEUES
from supervisor_console.kernel.actor import Role
from tests.cast import Floor, actor_of, at, make_user, set_presence
from tests.routing.forms import Answer, errors, inline_errors, said, save, sent

PEOPLE = "/admin/routing/user/"
AGENTS = "/admin/routing/agent/"
PASSWORD = "a long enough one"


def page_of(user: User) -> str:
    return reverse("admin:routing_user_change", args=[user.pk])


def role_page(role: Role) -> str:
    return reverse("admin:auth_group_change", args=[Group.objects.get(name=role.value).pk])


def agent_page(agent: Agent) -> str:
    return reverse("admin:routing_agent_change", args=[agent.pk])


def roles_of(user: User) -> set[Role]:
    return set(User.objects.get(pk=user.pk).role_set)


def add_person(client: Client, *roles: Role, name: str = "dora", **more: str) -> Answer:
    return client.post(
        f"{PEOPLE}add/",
        {
            "username": name,
            "first_name": "Dora",
            "last_name": "Kos",
            "roles": [role.value for role in roles],
            "usable_password": "true",
            "password1": PASSWORD,
            "password2": PASSWORD,
            **more,
        },
        follow=True,
    )


# --- people ----------------------------------------------------------------------------------------------


def test_a_person_is_created_with_roles_and_can_log_in(otto: Client) -> None:
    add_person(otto, Role.SUPERVISOR)

    dora = User.objects.get(username="dora")
    assert roles_of(dora) == {Role.SUPERVISOR}
    assert not dora.is_staff
    assert Client().login(username="dora", password=PASSWORD)


def test_who_becomes_an_agent_gets_an_agent_profile(otto: Client) -> None:
    answer = add_person(otto, Role.AGENT)

    agent = Agent.objects.get(user__username="dora")
    assert (agent.presence.base, agent.max_units) == (BasePresence.OFFLINE, 100)
    assert actor_of(agent).is_agent
    assert any(agent_page(agent) in sentence for sentence in said(answer))


def test_an_agent_profile_is_made_once(otto: Client, floor: Floor) -> None:
    save(otto, page_of(floor.ana.user), roles=[Role.AGENT.value, Role.SUPERVISOR.value])

    assert Agent.objects.filter(user=floor.ana.user).get() == floor.ana


def test_an_administrator_gets_in_by_the_role_and_out_without_it(otto: Client, floor: Floor) -> None:
    save(otto, page_of(floor.sara), roles=[Role.SUPERVISOR.value, Role.ADMINISTRATOR.value])
    saras = Client()
    saras.force_login(floor.sara)
    inside = saras.get("/admin/").status_code
    save(otto, page_of(floor.sara), roles=[Role.SUPERVISOR.value])

    assert inside == 200
    assert saras.get("/admin/", follow=True).status_code == 403


@pytest.mark.parametrize("role", [Role.AGENT, Role.SUPERVISOR, Role.ADMINISTRATOR])
def test_api_access_beside_a_human_role_is_refused_with_a_sentence(otto: Client, role: Role) -> None:
    answer = add_person(otto, role, Role.API_ACCESS)

    (sentence,) = errors(answer)["roles"]
    assert sentence.startswith("The API access role cannot be combined with another role")
    assert not User.objects.filter(username="dora").exists()


def test_api_access_is_refused_for_somebody_who_exists_too(otto: Client, floor: Floor) -> None:
    answer = save(otto, page_of(floor.api), roles=[Role.API_ACCESS.value, Role.AGENT.value])

    assert "roles" in errors(answer)
    assert roles_of(floor.api) == {Role.API_ACCESS}


def test_api_access_is_refused_from_the_side_of_the_role_too(otto: Client, floor: Floor) -> None:
    answer = save(otto, role_page(Role.API_ACCESS), people=[floor.api.pk, floor.ana.user_id, floor.boris.user_id])

    (sentence,) = errors(answer)["people"]
    assert "Ana Test, Boris Test" in sentence
    assert roles_of(floor.ana.user) == {Role.AGENT}


def test_a_human_role_is_refused_to_who_has_api_access_from_the_side_of_the_role(otto: Client, floor: Floor) -> None:
    answer = save(otto, role_page(Role.SUPERVISOR), people=[floor.sara.pk, floor.stefan.pk, floor.api.pk])

    assert "Api Test" in errors(answer)["people"][0]
    assert roles_of(floor.api) == {Role.API_ACCESS}


def test_a_role_that_does_not_exist_is_refused(otto: Client) -> None:
    answer = add_person(otto, name="eva", roles="Emperor")

    assert "roles" in errors(answer)


def test_the_holders_of_a_role_are_chosen_on_its_page(otto: Client, floor: Floor) -> None:
    save(otto, role_page(Role.ADMINISTRATOR), people=[floor.otto.pk, floor.sara.pk])
    joined = (User.objects.get(pk=floor.sara.pk).is_staff, roles_of(floor.sara))
    save(otto, role_page(Role.ADMINISTRATOR), people=[floor.otto.pk])
    left = (User.objects.get(pk=floor.sara.pk).is_staff, roles_of(floor.sara))

    assert joined == (True, {Role.SUPERVISOR, Role.ADMINISTRATOR})
    assert left == (False, {Role.SUPERVISOR})


def test_how_far_supervisors_see_is_set_on_their_role(otto: Client, floor: Floor) -> None:
    people = [floor.sara.pk, floor.stefan.pk]
    save(otto, role_page(Role.SUPERVISOR), people=people, sees_all_queues="on")
    wide = actor_of(floor.stefan).supervised_queue_ids
    save(otto, role_page(Role.SUPERVISOR), people=people, sees_all_queues=None)

    narrow = actor_of(floor.stefan).supervised_queue_ids
    assert wide is None
    assert narrow is not None
    assert floor.billing.pk in narrow
    assert floor.returns.pk not in narrow


def test_one_supervisor_can_be_let_see_every_queue(otto: Client, floor: Floor) -> None:
    save(otto, page_of(floor.stefan), sees_all_queues="on")
    wide = User.objects.get(pk=floor.stefan.pk).has_perm(VIEW_ALL_QUEUES)
    save(otto, page_of(floor.stefan), sees_all_queues=None)

    assert wide
    assert not User.objects.get(pk=floor.stefan.pk).has_perm(VIEW_ALL_QUEUES)


def test_only_the_four_roles_are_there_and_none_can_be_added_or_deleted(otto: Client) -> None:
    Group.objects.create(name="Knitters")
    page = otto.get("/admin/auth/group/")
    url = role_page(Role.AGENT).replace("change", "delete")

    assert {group.name for group in page.context["cl"].result_list} == {role.value for role in Role}
    assert otto.get("/admin/auth/group/add/").status_code == 403
    assert said(otto.post(url, {"post": "yes"}, follow=True))[0].startswith("Roles come with the product and stay.")
    assert Group.objects.filter(name=Role.AGENT.value).exists()


def test_nobody_takes_the_administrator_role_from_themselves(otto: Client, floor: Floor) -> None:
    here = save(otto, page_of(floor.otto), roles=[Role.SUPERVISOR.value])
    there = save(otto, role_page(Role.ADMINISTRATOR), people=[floor.sara.pk])

    assert "You cannot take the administrator role from yourself." in errors(here)["roles"][0]
    assert "You cannot take the administrator role from yourself." in errors(there)["people"][0]
    assert roles_of(floor.otto) == {Role.ADMINISTRATOR}


def test_nobody_deactivates_themselves(otto: Client, floor: Floor) -> None:
    answer = save(otto, page_of(floor.otto), is_active=None)
    otto.post(PEOPLE, {"action": "deactivate", "_selected_action": [floor.otto.pk]})

    assert "is_active" in errors(answer)
    assert User.objects.get(pk=floor.otto.pk).is_active


def test_people_are_deactivated_and_activated_together(otto: Client, floor: Floor) -> None:
    chosen = [floor.ana.user_id, floor.boris.user_id]
    otto.post(PEOPLE, {"action": "deactivate", "_selected_action": chosen})
    gone = list(User.objects.filter(is_active=False).values_list("username", flat=True))
    otto.post(PEOPLE, {"action": "activate", "_selected_action": chosen})

    assert sorted(gone) == ["ana", "boris"]
    assert not User.objects.filter(is_active=False).exists()


def test_who_is_deactivated_is_out_at_once(otto: Client, floor: Floor) -> None:
    saras = Client()
    saras.force_login(floor.sara)
    save(otto, page_of(floor.sara), is_active=None)

    assert "/login/" in saras.get("/conversations/", follow=True).redirect_chain[-1][0]


@pytest.mark.parametrize("kind", ["user", "agent"])
def test_people_and_agents_are_never_deleted(otto: Client, floor: Floor, kind: str) -> None:
    pk = floor.ana.user_id if kind == "user" else floor.ana.pk
    url = reverse(f"admin:routing_{kind}_delete", args=[pk])
    actions = otto.get(f"/admin/routing/{kind}/").context["cl"].model_admin.get_actions(otto.get(PEOPLE).wsgi_request)

    answer = otto.post(url, {"post": "yes"}, follow=True)

    assert "never deleted" in said(answer)[0]
    assert "delete_selected" not in actions
    assert Agent.objects.filter(pk=floor.ana.pk).exists()


def test_a_superuser_is_out_of_reach_of_an_administrator(otto: Client, floor: Floor) -> None:
    root = User.objects.create_superuser("root", password=PASSWORD)

    change = otto.post(page_of(root), {"username": "mine", "is_active": ""})
    password = otto.post(f"{PEOPLE}{root.pk}/password/", {"password1": "x" * 12, "password2": "x" * 12})
    otto.post(PEOPLE, {"action": "deactivate", "_selected_action": [root.pk]})

    root.refresh_from_db()
    assert (change.status_code, password.status_code) == (403, 403)
    assert (root.username, root.is_active, root.check_password(PASSWORD)) == ("root", True, True)


def test_an_administrator_makes_no_superuser(otto: Client, floor: Floor) -> None:
    save(otto, page_of(floor.sara), is_superuser="on", is_staff="on", user_permissions=["1"])

    sara = User.objects.get(pk=floor.sara.pk)
    assert (sara.is_superuser, sara.is_staff) == (False, False)


def test_a_password_is_set_for_somebody(otto: Client, floor: Floor) -> None:
    otto.post(
        f"{PEOPLE}{floor.sara.pk}/password/",
        {"usable_password": "true", "set-password": "Set", "password1": PASSWORD, "password2": PASSWORD},
    )

    assert Client().login(username="sara", password=PASSWORD)


@pytest.mark.parametrize(
    ("field", "value"),
    [("username", ""), ("username", "ana"), ("username", "x" * 151), ("username", "a b"), ("first_name", "\x00")],
)
def test_a_tampered_person_is_refused(otto: Client, field: str, value: str) -> None:
    count = User.objects.count()

    answer = add_person(otto, Role.AGENT, **{"name": "eva", field: value})

    assert field in errors(answer)
    assert User.objects.count() == count


def test_odd_names_are_kept_as_they_are(otto: Client) -> None:
    add_person(otto, Role.AGENT, first_name="Žölf 🦊", last_name="O’Brien <i>")

    dora = User.objects.get(username="dora")
    assert dora.display_name == "Žölf 🦊 O’Brien <i>"
    assert "<i>" not in otto.get(PEOPLE).content.decode()


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("role=Supervisor", {"sara", "stefan"}),
        ("role=API+access", {"api"}),
        ("role=none", {"nora"}),
        ("q=boris", {"boris"}),
        ("is_active__exact=0", {"nora"}),
    ],
)
def test_people_are_found_by_role_name_and_activity(otto: Client, query: str, names: set[str]) -> None:
    User.objects.filter(pk=make_user("nora").pk).update(is_active=False)

    found = otto.get(f"{PEOPLE}?{query}").context["cl"].result_list

    assert {user.username for user in found} == names


# --- agents ----------------------------------------------------------------------------------------------


def test_an_agent_gets_queues_skills_profiles_and_capacity(otto: Client, floor: Floor) -> None:
    french = Skill.objects.create(type="Language", name="French")
    chats = CapacityProfile.objects.create(name="Chats", limit=3)

    save(
        otto,
        agent_page(floor.ana),
        queues=[floor.returns.pk],
        max_units="60",
        default_presence=str(Presence.objects.get(code="away").pk),
        **{
            "agent_skills-TOTAL_FORMS": "1",
            "agent_skills-0-skill": str(french.pk),
            "agent_skills-0-proficiency": "5",
            "agent_profiles-TOTAL_FORMS": "1",
            "agent_profiles-0-profile": str(chats.pk),
            "agent_profiles-0-custom_limit": "2",
        },
    )

    ana = Agent.objects.get(pk=floor.ana.pk)
    assert list(ana.queues.all()) == [floor.returns]
    assert (ana.max_units, ana.default_presence) == (60, Presence.objects.get(code="away"))
    assert [(held.skill, held.proficiency) for held in ana.agent_skills.all()] == [(french, 5)]
    assert [profile.limit for profile in ana.agent_profiles.all()] == [2]


@pytest.mark.parametrize("proficiency", ["0", "6", "five", ""])
def test_proficiency_is_from_1_to_5(otto: Client, floor: Floor, proficiency: str) -> None:
    french = Skill.objects.create(type="Language", name="French")

    answer = save(
        otto,
        agent_page(floor.ana),
        **{
            "agent_skills-TOTAL_FORMS": "1",
            "agent_skills-0-skill": str(french.pk),
            "agent_skills-0-proficiency": proficiency,
        },
    )

    assert len(inline_errors(answer)) == 1
    assert not floor.ana.agent_skills.exists()


def test_a_skill_is_held_once(otto: Client, floor: Floor) -> None:
    french = Skill.objects.create(type="Language", name="French")
    row = {"skill": str(french.pk), "proficiency": "3"}

    answer = save(
        otto,
        agent_page(floor.ana),
        **{"agent_skills-TOTAL_FORMS": "2"},
        **{f"agent_skills-{number}-{name}": value for number in (0, 1) for name, value in row.items()},
    )

    assert answer.context["errors"]
    assert not floor.ana.agent_skills.exists()


def test_saving_an_agent_does_not_touch_the_presence(otto: Client, floor: Floor) -> None:
    form = sent(otto, agent_page(floor.ana), max_units="80")
    set_presence(floor.ana, BasePresence.AWAY, set_by=SetBy.AGENT, now=at(60))

    otto.post(agent_page(floor.ana), form | {"presence": str(Presence.objects.get(code="busy").pk)})

    ana = Agent.objects.select_related("presence").get(pk=floor.ana.pk)
    assert (ana.max_units, ana.presence.base, ana.presence_set_by) == (80, BasePresence.AWAY, SetBy.AGENT)


def test_the_page_of_an_agent_shows_the_presence_since_and_by_whom(otto: Client, floor: Floor) -> None:
    set_presence(floor.ana, BasePresence.AWAY, set_by=SetBy.AGENT, now=at(60))

    page = otto.get(agent_page(floor.ana)).content.decode()

    assert "2 Mar 2026, 10:01:00" in page
    assert {"presence_name", "presence_since", "presence_set_by"} <= set(
        otto.get(agent_page(floor.ana)).context["adminform"].readonly_fields
    )


def test_a_bot_becomes_an_agent_with_a_first_presence(otto: Client, floor: Floor) -> None:
    robot = make_user("robot")

    save(otto, f"{AGENTS}add/", user=str(robot.pk), is_bot="on", max_units="500", queues=[floor.billing.pk])

    agent = Agent.objects.get(user=robot)
    assert (agent.is_bot, agent.presence.base, list(agent.queues.all())) == (True, "offline", [floor.billing])
    assert PresenceChange.objects.filter(agent=agent, ended_at=None).count() == 1


def test_an_agent_profile_without_the_role_comes_with_a_warning(otto: Client, floor: Floor) -> None:
    answer = save(otto, f"{AGENTS}add/", user=str(floor.sara.pk), queues=[floor.billing.pk])

    assert any("does not hold the agent role" in sentence for sentence in said(answer))


def test_nobody_gets_two_agent_profiles(otto: Client, floor: Floor) -> None:
    answer = save(otto, f"{AGENTS}add/", user=str(floor.ana.user_id))

    assert "user" in errors(answer)


def test_inactive_cannot_be_a_default_presence(otto: Client, floor: Floor) -> None:
    inactive = Presence.objects.get(code="inactive")

    answer = save(otto, agent_page(floor.ana), default_presence=str(inactive.pk))

    assert "default_presence" in errors(answer)


def test_a_default_queue_is_not_a_membership(otto: Client, floor: Floor) -> None:
    default = floor.ana.queues.model.objects.get(is_default=True, type="messaging")

    answer = save(otto, agent_page(floor.ana), queues=[default.pk])

    assert "queues" in errors(answer)


@pytest.mark.parametrize("units", ["-1", "lots", "99999999999999999999"])
def test_capacity_that_makes_no_sense_is_refused(otto: Client, floor: Floor, units: str) -> None:
    answer = save(otto, agent_page(floor.ana), max_units=units)

    assert "max_units" in errors(answer)
    assert Agent.objects.get(pk=floor.ana.pk).max_units == 100
