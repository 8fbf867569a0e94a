"""What stands in the demo contact centre: queues, workstreams, skills, presences, people.

Configuration is written as an administrator would write it; whatever has a service (roles, agents,
presences) goes through it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from django.contrib.auth.models import Permission
from django.utils import timezone

from conversations.demo import people
from conversations.demo.people import Person
from conversations.models import SupervisorSettings
from routing import selectors as routing_selectors
from routing.models import (
    Agent,
    AgentProfile,
    AgentSkill,
    AssignmentMethod,
    BasePresence,
    CapacityProfile,
    Channel,
    Distribution,
    OperatingHours,
    Presence,
    Queue,
    QueueMembership,
    QueueType,
    Skill,
    SkillMatching,
    User,
    Workstream,
    WorkstreamProfile,
    WrapUpBlock,
)
from routing.models.queue import Weekday
from routing.services import staffing
from routing.services.presence import set_presence
from supervisor_console.kernel.actor import Actor, Role

FOUNDED_BEFORE = timedelta(days=5)
"""How long before the demo begins its people were taken on."""


@dataclass
class Centre:
    """What the story needs to find again, by name."""

    queues: dict[str, Queue] = field(default_factory=dict)
    workstreams: dict[Channel, Workstream] = field(default_factory=dict)
    skills: dict[str, Skill] = field(default_factory=dict)
    presences: dict[str, Presence] = field(default_factory=dict)
    actors: dict[str, Actor] = field(default_factory=dict)
    agent_ids: dict[str, int] = field(default_factory=dict)

    def actor_of(self, agent_id: int) -> Actor:
        """The actor of an agent."""
        return next(actor for actor in self.actors.values() if actor.agent_id == agent_id)


def build(now: datetime) -> Centre:
    """Put up the centre, some days before ``now``."""
    centre = Centre()
    _presences(centre)
    _queues(centre, now)
    _workstreams(centre)
    _people(centre, now - FOUNDED_BEFORE)
    _switches()
    return centre


def _presences(centre: Centre) -> None:
    for name, text, base in (
        ("Lunch", "Back within the hour", BasePresence.AWAY),
        ("Coaching", "In a coaching session", BasePresence.BUSY_DND),
        ("Back office", "Writing, can be interrupted", BasePresence.BUSY),
    ):
        Presence.objects.create(name=name, text=text, base=base)
    centre.presences.update({presence.name: presence for presence in Presence.objects.all()})


def _queues(centre: Centre, now: datetime) -> None:
    """Four queues with work, one for calls, and two that cannot take everything.

    Accounts is outside its hours when the demo begins, Partners has no members; both are there so that
    the warning and the refusal can be seen.
    """
    for name, type_, priority, warning, critical in (
        (people.BILLING, QueueType.MESSAGING, 20, 300, 1200),
        (people.RETURNS, QueueType.MESSAGING, 50, 600, 1800),
        (people.TECHNICAL, QueueType.MESSAGING, 30, 300, 1200),
        (people.SALES, QueueType.MESSAGING, 10, 180, 600),
        (people.ACCOUNTS, QueueType.MESSAGING, 60, 1800, 7200),
        (people.PARTNERS, QueueType.MESSAGING, 90, 60, 300),
        (people.CALLS, QueueType.VOICE, 5, 60, 180),
    ):
        Queue.objects.create(
            name=name,
            type=type_,
            priority=priority,
            # Everybody in turn: the log-ins as whom nobody plays have most room, and would miss every offer.
            assignment_method=AssignmentMethod.ADVANCED_ROUND_ROBIN,
            service_level_seconds=20 if type_ == QueueType.VOICE else 60,
            short_abandon_seconds=10,
            wait_warning_seconds=warning,
            wait_critical_seconds=critical,
        )
    centre.queues.update({queue.name: queue for queue in Queue.objects.all()})
    # Whatever the hour: a short team that has gone home, or has not come yet.
    opens, closes = (time(6), time(10)) if timezone.localtime(now).hour >= 12 else (time(17), time(21))
    OperatingHours.objects.bulk_create(
        OperatingHours(queue=centre.queues[people.ACCOUNTS], weekday=day, opens=opens, closes=closes) for day in Weekday
    )


def _workstreams(centre: Centre) -> None:
    """One workstream per channel, each with rules of its own. Offers have time, so that a visitor can answer them.

    Live chats, WhatsApp and calls are pushed to agents; account chats and text messages are picked, or assigned by
    hand, so that there is always something open.
    """
    available, busy = BasePresence.AVAILABLE.value, BasePresence.BUSY.value
    rows = (
        Workstream(
            name="Website chat",
            channel=Channel.LIVE_CHAT,
            units=25,
            fallback_queue=centre.queues[people.SALES],
            allowed_presences=[available, busy],
            wrapup_block=WrapUpBlock.ALWAYS,
            accept_seconds=180,
            skill_matching=SkillMatching.CLOSEST,
        ),
        Workstream(
            name="Customer account chat",
            channel=Channel.PERSISTENT_CHAT,
            distribution=Distribution.PICK,
            units=15,
            fallback_queue=centre.queues[people.BILLING],
            allowed_presences=[available, busy],
            wrapup_block=WrapUpBlock.NONE,
            accept_seconds=600,
            skill_matching=SkillMatching.EXACT,
            keeps_agent=True,
        ),
        Workstream(
            name="Text messages",
            channel=Channel.SMS,
            distribution=Distribution.PICK,
            units=10,
            fallback_queue=centre.queues[people.RETURNS],
            allowed_presences=[available, busy, BasePresence.BUSY_DND.value],
            wrapup_block=WrapUpBlock.ALWAYS,
            accept_seconds=600,
            offers_reject=False,
            keeps_agent=True,
        ),
        Workstream(
            name="WhatsApp",
            channel=Channel.WHATSAPP,
            units=10,
            fallback_queue=centre.queues[people.SALES],
            allowed_presences=[available, busy],
            wrapup_block=WrapUpBlock.CUSTOM,
            wrapup_block_seconds=600,
            accept_seconds=600,
            keeps_agent=True,
        ),
        Workstream(
            name="Telephone",
            channel=Channel.VOICE,
            units=40,
            fallback_queue=centre.queues[people.CALLS],
            allowed_presences=[available],
            wrapup_block=WrapUpBlock.CUSTOM,
            wrapup_block_seconds=1200,
            accept_seconds=180,
        ),
    )
    for row in rows:
        row.full_clean()
        row.save()
        centre.workstreams[Channel(row.channel)] = row
    seats = CapacityProfile.objects.create(name="WhatsApp seats", limit=4)
    WorkstreamProfile.objects.create(workstream=centre.workstreams[Channel.WHATSAPP], profile=seats)


def _people(centre: Centre, hired: datetime) -> None:
    for skill_type, names in (
        ("Language", "Croatian, French, German, Hungarian, Italian, Polish, Slovenian, Spanish"),
        ("Product", "Contracts, Devices, Network, Orders, Payments"),
    ):
        for name in people.listed(names):
            centre.skills[name] = Skill.objects.create(type=skill_type, name=name)
    seats = CapacityProfile.objects.get()
    for person in people.EVERYBODY:
        user = add_user(person.username, person.first, person.last, person.roles)
        agent = staffing.make_agent(user.pk, max_units=person.units, now=hired)
        QueueMembership.objects.bulk_create(
            QueueMembership(queue=centre.queues[name], agent=agent) for name in people.listed(person.queues)
        )
        AgentSkill.objects.bulk_create(
            AgentSkill(agent=agent, skill=centre.skills[name], proficiency=proficiency)
            for name, proficiency in people.rated(person.skills).items()
        )
        if person.seats is not None:
            limit = person.seats if person.seats != seats.limit else None
            AgentProfile.objects.create(agent=agent, profile=seats, custom_limit=limit)
        centre.agent_ids[person.username] = agent.pk
    add_user(*people.ADMIN, frozenset({Role.ADMINISTRATOR}))
    bot = add_user(*people.BOT, frozenset())
    _assistant(centre, staffing.make_agent(bot.pk, max_units=1000, is_bot=True, now=hired))
    _scopes()
    usernames = [person.username for person in people.EVERYBODY] + [people.ADMIN[0]]
    for user in User.objects.filter(username__in=usernames):
        centre.actors[user.username] = routing_selectors.actor_for(user)


def _assistant(centre: Centre, bot: Agent) -> None:
    """The chat of the web shop, which a bot answers first."""
    row = Workstream(
        name=people.ASSISTANT,
        channel=Channel.LIVE_CHAT,
        units=25,
        fallback_queue=centre.queues[people.SALES],
        bot=bot,
        accept_seconds=300,
    )
    row.full_clean()
    row.save()


def add_user(username: str, first: str, last: str, roles: frozenset[Role]) -> User:
    """Somebody as whom nobody can sign in, as yet."""
    user = User(username=username, first_name=first, last_name=last, email=f"{username}@centre.example")
    user.set_unusable_password()
    user.save()
    staffing.give_roles(user.pk, roles)
    return user


def _scopes() -> None:
    """The first supervisor sees every queue, the second only the own ones (domain.md D13).

    The role gives the permission by default, so here it is taken from the role and given to one person.
    """
    every_queue = Permission.objects.get(codename="view_all_queues", content_type__app_label="routing")
    every_queue.group_set.clear()
    User.objects.get(username=people.SUPERVISORS[0].username).user_permissions.add(every_queue)


def _switches() -> None:
    """All four switches of the supervisor settings are on."""
    SupervisorSettings.objects.update_or_create(
        pk=1,
        defaults={
            "monitor_enabled": True,
            "assign_enabled": True,
            "transfer_enabled": True,
            "force_close_enabled": True,
        },
    )


def change_presence(centre: Centre, person: Person, name: str, now: datetime) -> None:
    """A person sets their own presence."""
    set_presence(
        centre.actors[person.username],
        centre.agent_ids[person.username],
        presence_id=centre.presences[name].pk,
        now=now,
    )
