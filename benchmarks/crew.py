"""The centre in which distribution is measured: so many agents with a past, all of them busy, and work that waits.

Rows are inserted in bulk: this is a measurement, not a demo. All that follows is done by the services.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any

QUEUES = 8
SKILLS = 6
HELD = 3
"""Conversations that each agent has: as much as fits."""

UNITS = 30
PAST = 10
"""Conversations that each agent finished before."""

RETURNING = 0.02
"""Share of the work whose customers came back to an agent they may keep; those agents have gone home."""

GONE = 4
NEEDS_SKILL = 0.2


def fill(agents: int, conversations: int) -> None:
    """Make so many agents, each a member of two of eight queues and full, and so many conversations that wait.

    Half of the work is live chats that ask for skills, a fifth of them for one exactly; half are text messages, of
    whose customers some come back to the agent they had.
    """
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection
    from django.utils import timezone

    call_command("migrate", verbosity=0)
    now, chance = timezone.now(), Random(1)
    crew, queues, streams = _people(agents, now, chance)
    _work(crew[:agents], crew[agents:], queues, streams, conversations, now, chance)
    connection.cursor().execute("ANALYZE")


def _people(number: int, now: datetime, chance: Random) -> tuple[list[Any], list[Any], list[Any]]:
    from django.contrib.auth.models import Group, Permission

    from conversations.models import SupervisorSettings
    from routing.models import (
        Agent,
        AgentSkill,
        Channel,
        Presence,
        Queue,
        QueueMembership,
        QueueType,
        Skill,
        User,
        Workstream,
    )

    SupervisorSettings.objects.update_or_create(pk=1, defaults={"force_close_enabled": True})
    boss = User.objects.create(username="boss")
    boss.groups.add(Group.objects.get(name="Supervisor"))
    boss.user_permissions.add(Permission.objects.get(codename="view_all_queues"))
    queues = [
        Queue.objects.create(name=f"Queue {place}", type=QueueType.MESSAGING, priority=1 + place % 2)
        for place in range(QUEUES)
    ]
    common: dict[str, Any] = {"fallback_queue": queues[0], "units": UNITS}
    streams = [
        Workstream.objects.create(name="Chats", channel=Channel.LIVE_CHAT, skill_matching="exact", **common),
        Workstream.objects.create(name="Messages", channel=Channel.SMS, keeps_agent=True, **common),
    ]
    skills = [Skill.objects.create(type="Language", name=f"Language {place}") for place in range(SKILLS)]
    users = User.objects.bulk_create(User(username=f"agent{place}") for place in range(number + GONE))
    role = Group.objects.get(name="Agent").pk
    User.groups.through.objects.bulk_create(User.groups.through(user_id=user.pk, group_id=role) for user in users)
    busy = Presence.objects.get(code="busy")
    crew = Agent.objects.bulk_create(
        Agent(user=user, presence=busy, presence_since=now, presence_set_by="agent", max_units=HELD * UNITS)
        for user in users
    )
    QueueMembership.objects.bulk_create(
        QueueMembership(queue=queues[place % QUEUES], agent=agent)
        for number, agent in enumerate(crew)
        for place in (number, number + 3)
    )
    Agent.objects.filter(pk__in=[agent.pk for agent in crew[number:]]).update(
        presence=Presence.objects.get(code="offline"), presence_set_by="system"
    )
    AgentSkill.objects.bulk_create(
        AgentSkill(agent=agent, skill=skill, proficiency=3) for agent in crew for skill in chance.sample(skills, 2)
    )
    return crew, queues, streams


def _work(
    crew: list[Any], gone: list[Any], queues: list[Any], streams: list[Any], waiting: int, now: datetime, chance: Random
) -> None:
    from conversations.models import Conversation, Customer, Participant, QueueSegment, RequiredSkill, Session
    from routing.models import Skill

    customer = Customer.objects.create(name="Customer")

    def row(place: int, queue: Any, seconds: float, **values: Any) -> Conversation:
        stream, at = streams[place % len(streams)], now - timedelta(seconds=seconds)
        moments = {"created_at": at, "first_wait_started_at": at, "state_changed_at": at, "last_activity_at": at}
        common: dict[str, Any] = {"workstream": stream, "channel": stream.channel, "units": stream.units}
        return Conversation(
            subject=f"Subject {place}",
            customer=customer,
            queue=queue,
            last_customer_message_at=at,
            **(moments | common | values),
        )

    def session(one: Conversation, **values: Any) -> Session:
        given = {"agent_assigned_at": one.created_at, "agent_accepted_at": one.created_at} if "agent" in values else {}
        return Session(conversation=one, queue=one.queue, created_at=one.created_at, **(given | values))

    opened = Conversation.objects.bulk_create(
        (
            row(
                place,
                queues[chance.randrange(QUEUES)],
                place * 800 / waiting,
                last_agent=chance.choice(gone) if place % 2 and chance.random() < 2 * RETURNING else None,
            )
            for place in range(waiting)
        ),
        batch_size=2000,
    )
    had = {"closed_at": now, "closure_reason": "AgentMovedConversationToWaiting"}
    former = [session(one, agent=one.last_agent, **had) for one in opened if one.last_agent is not None]
    Session.objects.bulk_create(former, batch_size=2000)
    Session.objects.bulk_create([session(one) for one in opened], batch_size=2000)
    skills = list(Skill.objects.order_by("pk"))
    RequiredSkill.objects.bulk_create(
        RequiredSkill(conversation=one, skill=chance.choice(skills))
        for place, one in enumerate(opened)
        if place % 2 == 0 and chance.random() < NEEDS_SKILL
    )
    active = {"state": "active", "reason": "InConversation", "holds_capacity": True, "accepted_at": now}
    held = Conversation.objects.bulk_create(
        (
            row(place, queues[number % QUEUES], place, agent=agent, last_agent=agent, handling_since=now, **active)
            for number, agent in enumerate(crew)
            for place in range(HELD)
        ),
        batch_size=2000,
    )
    ended = {"state": "closed", "reason": "EndedByAgent", "closed_at": now}
    past = Conversation.objects.bulk_create(
        (
            row(place, queues[number % QUEUES], 3600 + chance.randrange(9000), last_agent=agent, **ended)
            for number, agent in enumerate(crew)
            for place in range(PAST)
        ),
        batch_size=2000,
    )
    Session.objects.bulk_create([session(one, agent=one.agent) for one in held], batch_size=2000)
    Session.objects.bulk_create(
        [
            session(one, agent=one.last_agent, closed_at=one.created_at, closure_reason="AgentEndConversation")
            for one in past
        ],
        batch_size=2000,
    )
    Participant.objects.bulk_create(
        [
            Participant(
                conversation=one,
                user_id=one.agent.user_id,
                mode="primary",
                assign_reason="SystemAssign",
                added_at=one.created_at,
                joined_at=one.created_at,
            )
            for one in held
            if one.agent is not None
        ],
        batch_size=2000,
    )
    QueueSegment.objects.bulk_create(
        [QueueSegment(conversation=one, queue=one.queue, started_at=one.created_at) for one in opened + held],
        batch_size=2000,
    )
