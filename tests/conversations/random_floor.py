"""Contact centres in which everything that the rules of distribution look at is left to chance."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from conversations.models import (
    ClosureReason,
    Conversation,
    Customer,
    Offer,
    OfferKind,
    OfferStatus,
    QueueSegment,
    RequiredSkill,
    Session,
    SupervisorSettings,
)
from routing.models import (
    Agent,
    AgentProfile,
    AgentSkill,
    AssignmentMethod,
    BasePresence,
    CapacityProfile,
    Channel,
    Presence,
    Queue,
    QueueType,
    ResetFrequency,
    SetBy,
    Skill,
    SkillMatching,
    Workstream,
    WorkstreamProfile,
)
from supervisor_console.kernel.actor import Role
from tests.cast import T0, at, make_agent

PRESENCES = [base for base in BasePresence for _ in range(6 if base in ("available", "busy") else 1)]

SUBJECTS = (
    "skills",
    "profiles",
    "declines",
    "returns",
    "presences",
    "people",
    "queues",
    "held",
    "crowd",
    "narrow",
    "alike",
    "daily",
)
"""What a floor may be about. Each is about half of these, drawn by lot: where everything varies at once, several
reasons exclude everybody, and none of them decides anything."""


class RandomFloor:
    """A small centre, drawn by lot."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.is_scarce = self.chance(0.5)
        self.subjects = {subject for subject in SUBJECTS if self.chance(0.5)}
        SupervisorSettings.objects.create(
            pk=1,
            decline_limit=self.rng.randint(1, 4),
            decline_pause=self.rng.choice([30, 30, 5, 65]),
            distribution_enabled=self.chance(0.97),
        )
        self.customer = Customer.objects.create(name="Maja")
        self.skills = [Skill.objects.create(type="Language", name=name) for name in ("French", "German", "Polish")]
        self.profiles = [
            CapacityProfile.objects.create(name="Seats", limit=2),
            CapacityProfile.objects.create(name="Files", limit=1, is_blocking=True),
        ]
        if "daily" in self.subjects:
            daily = {"reset": ResetFrequency.END_OF_DAY, "is_blocking": self.chance(0.3)}
            self.profiles.append(CapacityProfile.objects.create(name="Cases", limit=self.rng.randint(1, 4), **daily))
        self.queues = [
            Queue.objects.create(
                name=f"Queue {number}",
                type=QueueType.MESSAGING,
                priority=self.rng.choice([1, 1, 2]),
                assignment_method=self.rng.choice(list(AssignmentMethod)),
            )
            for number in range(self.rng.randint(1, 4))
        ]
        self.deserted = self.queues[-1] if len(self.queues) > 1 and self.is_about("queues", 0.4) else None
        if self.is_about("queues", 0.6):
            self.queues.append(Queue.objects.get(type=QueueType.MESSAGING, is_default=True))
        self.streams = [self.stream(channel) for channel in Channel if channel not in ("voice", "record")]
        self.agents = [self.agent(number) for number in range(self.rng.randint(2, 7))]
        for _ in range(self.rng.randint(1, 8) if self.is_about("held") else 0):
            self.held()
        if self.is_about("crowd"):
            self.crowd()
        for _ in range(self.rng.choice([0, 0, 4, 10])):
            self.past()
        self.kinds = [self.rng.choice(self.streams)] if self.is_about("alike") else self.streams
        for _ in range(self.rng.randint(1, 12)):
            self.open()

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def is_about(self, subject: str, share: float = 1) -> bool:
        """Whether something of this subject happens here, now and then."""
        return subject in self.subjects and self.chance(share)

    def moment(self, most: float = 900) -> datetime:
        """Some time before T0; equal ones happen."""
        return T0 - timedelta(seconds=5 * self.rng.randint(1, int(most // 5)))

    def stream(self, channel: Channel) -> Workstream:
        allowed = {"available", "busy"}
        if "presences" in self.subjects:
            allowed = set(self.rng.choice([["available", "busy"], ["available"], ["busy"], []]))
            allowed |= {base.value for base in BasePresence if self.chance(0.12)}
        row = Workstream.objects.create(
            name=str(channel.label),
            channel=channel,
            distribution="push" if self.chance(0.85) else "pick",
            units=self.rng.choice([10, 20, 30]),
            allowed_presences=sorted(allowed),
            fallback_queue=self.rng.choice(self.queues),
            skill_matching=self.rng.choice(list(SkillMatching)),
            keeps_agent=self.chance(0.6),
            auto_assigns=self.chance(0.3),
        )
        for profile in self.profiles:
            if self.is_about("daily" if profile.reset == ResetFrequency.END_OF_DAY else "profiles", 0.5):
                WorkstreamProfile.objects.create(workstream=row, profile=profile)
        return row

    def agent(self, number: int) -> Agent:
        is_odd = self.is_about("people", 0.3)
        roles = self.rng.choice([(), (Role.AGENT, Role.API_ACCESS)]) if is_odd and self.chance(0.6) else (Role.AGENT,)
        sizes = [40, 60, 60, 100] if self.is_scarce else [100, 200]
        is_away = self.is_about("queues", 0.3)
        theirs = [queue for queue in self.queues if not queue.is_default and queue != self.deserted]
        queues = [queue for queue in theirs if not (is_away and self.chance(0.7))]
        row = make_agent(
            f"agent{number}",
            *queues,
            units=self.rng.choice(sizes),
            roles=roles,
            is_bot=is_odd and self.chance(0.3),
        )
        if is_odd and self.chance(0.3):
            row.user.is_active = False
            row.user.save()
        self.come(row)
        for skill in self.skills:
            if self.chance(0.5):
                AgentSkill.objects.create(agent=row, skill=skill, proficiency=self.rng.randint(1, 5))
        for profile in self.profiles:
            if self.is_about("daily" if profile.reset == ResetFrequency.END_OF_DAY else "profiles", 0.8):
                limit = self.rng.choice([None, 1, 3])
                AgentProfile.objects.create(agent=row, profile=profile, custom_limit=limit)
        return row

    def come(self, agent: Agent) -> None:
        """A presence, whoever set it."""
        code = self.rng.choice(["available", "busy"])
        if "presences" in self.subjects:
            code = "inactive" if self.chance(0.05) else self.rng.choice(PRESENCES).value
        presence = Presence.objects.get(code=code)
        set_by = SetBy.SYSTEM if self.chance(0.4) else self.rng.choice(list(SetBy))
        Agent.objects.filter(pk=agent.pk).update(presence=presence, presence_set_by=set_by)
        agent.presence_changes.update(presence=presence, set_by=set_by)

    def conversation(self, stream: Workstream, queue: Queue, created: datetime, **values: object) -> Conversation:
        row = Conversation.objects.create(
            subject="Something",
            customer=self.customer,
            workstream=stream,
            channel=stream.channel,
            queue=queue,
            created_at=created,
            first_wait_started_at=created,
            state_changed_at=created,
            last_activity_at=created,
            last_customer_message_at=created + timedelta(seconds=5 * self.rng.randint(0, 20)),
            **{"units": stream.units, **values},
        )
        row.profiles.set(stream.profiles.all())
        return row

    def held(self) -> None:
        """Something that an agent has, or finished a moment ago, or is asked to take over."""
        stream, queue, agent = self.rng.choice(self.streams), self.rng.choice(self.queues), self.rng.choice(self.agents)
        created, until = self.moment(), self.rng.choice([None, at(-5), at(20), at(600)])
        kind = self.rng.choice(["active", "active", "active", "wrap_up", "closed", "transfer"])
        values: dict[str, object] = {"last_agent": agent}
        if kind in ("active", "transfer"):
            holder = self.rng.choice(self.agents)
            values |= {"state": "active", "reason": "InConversation", "agent": holder, "holds_capacity": True}
            values["is_elevated"] = stream.channel == "live_chat" and self.chance(0.5)
        elif kind == "wrap_up":
            values |= {"state": "wrap_up", "agent": agent, "holds_capacity": True, "wrapup_started_at": created}
            values |= {"capacity_held_until": until, "reason": "AgentMovedToWrapUp"}
        else:
            values |= {"state": "closed", "closed_at": created, "capacity_held_until": until}
        row = self.conversation(stream, queue, created, **values)
        if row.agent is not None:
            Session.objects.create(
                conversation=row,
                queue=queue,
                agent=row.agent,
                created_at=created,
                agent_assigned_at=created,
                agent_accepted_at=self.rng.choice([None, created]),
            )
        if kind == "transfer":
            Offer.objects.create(
                conversation=row, agent=agent, kind=OfferKind.TRANSFER, offered_at=created, expires_at=at(600)
            )

    def crowd(self) -> None:
        """Somebody with about as many conversations as a desk shows, and room for more."""
        agent, stream, queue = self.rng.choice(self.agents), self.rng.choice(self.streams), self.rng.choice(self.queues)
        Agent.objects.filter(pk=agent.pk).update(max_units=500)
        for _ in range(self.rng.randint(8, 10)):
            values: dict[str, object] = {"state": "active", "reason": "InConversation", "agent": agent}
            row = self.conversation(stream, queue, self.moment(), holds_capacity=True, units=1, **values)
            row.profiles.clear()

    def past(self) -> None:
        """A session that is over long ago: somebody's last one."""
        agent, began = self.rng.choice(self.agents), self.moment()
        if self.is_about("daily", 0.3):
            began -= timedelta(days=1)
        row = self.conversation(
            self.rng.choice(self.streams), self.rng.choice(self.queues), began, state="closed", closed_at=began
        )
        self.session(row, agent, began, began + timedelta(seconds=5), ClosureReason.AGENT_END, row.queue)

    def session(
        self, row: Conversation, agent: Agent, began: datetime, ended: datetime, why: ClosureReason, queue: Queue
    ) -> None:
        accepted = None if why in (ClosureReason.AGENT_REJECT, ClosureReason.AGENT_TIMEOUT) else began
        Session.objects.create(
            conversation=row,
            queue=queue,
            agent=agent,
            created_at=began,
            agent_assigned_at=began,
            agent_accepted_at=accepted,
            closed_at=ended,
            closure_reason=why,
        )

    def open(self) -> None:
        """One that waits, with whatever it went through before."""
        stream, queue, created = self.rng.choice(self.kinds), self.rng.choice(self.queues), self.moment(400)
        if "alike" in self.subjects:
            queue = self.queues[0]
        row = self.conversation(stream, queue, created)
        for skill in self.skills:
            if self.is_about("skills", 0.5):
                RequiredSkill.objects.create(conversation=row, skill=skill, minimum=self.rng.randint(1, 4))
        declines = [ClosureReason.AGENT_REJECT, ClosureReason.AGENT_TIMEOUT] if "declines" in self.subjects else []
        others = [
            *(ClosureReason.AGENT_MOVED_TO_WAITING, ClosureReason.AGENT_MOVED_TO_WAITING),
            *(ClosureReason.AGENT_CLOSED, ClosureReason.AGENT_REROUTED, ClosureReason.AGENT_DISCONNECTED),
        ]
        if "returns" not in self.subjects or self.chance(0.2):
            others = []
        moment, reasons, agent = created, declines + others, self.rng.choice(self.agents)
        while reasons and moment <= at(-60) and self.chance(0.7):
            # Whoever declined 30 s before a look is asked again in it.
            steps = [moment + timedelta(seconds=seconds) for seconds in (0, 5, 20, 60)]
            moment = self.rng.choice([*steps, at(-30), at(-25)])
            agent = agent if self.chance(0.5) else self.rng.choice(self.agents)
            why = self.rng.choice(reasons)
            ended = moment
            place = queue if self.chance(0.7) else self.rng.choice(self.queues)
            self.session(row, agent, moment, ended, why, place)
            declined = why in declines
            status = OfferStatus.REJECTED if why == ClosureReason.AGENT_REJECT else OfferStatus.TIMED_OUT
            Offer.objects.create(
                conversation=row,
                agent=agent,
                kind=OfferKind.INCOMING,
                status=status if declined else OfferStatus.ACCEPTED,
                offered_at=moment,
                expires_at=moment + timedelta(seconds=120),
                settled_at=ended,
            )
            if not declined:
                row.last_agent = agent
                row.save()
        Session.objects.create(conversation=row, queue=queue, created_at=max(moment, created))
        QueueSegment.objects.create(conversation=row, queue=queue, started_at=created)

    def goes_on(self) -> None:
        """Between two looks people come and go, and something more waits."""
        for agent in self.agents:
            if self.chance(0.4):
                self.come(agent)
        self.open()
