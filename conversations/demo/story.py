"""What happened in the demo contact centre? Each conversation goes its way through the services, in order of time.

A tale is a generator: it yields the moment at which it goes on, and is woken when the clock of the
story has come there. So capacity, presence and history come about as they would have.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush
from random import Random

from conversations import policy, selectors
from conversations.demo import assistant, people
from conversations.demo import centre as building
from conversations.demo.centre import Centre
from conversations.demo.people import Person
from conversations.demo.plans import (
    SHIFT,
    SHIFT_BEFORE,
    SHIFT_FIRST,
    Fate,
    Plan,
    Planner,
    minutes,
    moments,
)
from conversations.demo.transcripts import Line, Voice
from conversations.models import Conversation, Offer, OfferStatus, State, Visibility
from conversations.services import (
    assignment,
    closure,
    elevation,
    intake,
    messaging,
    notices,
    offers,
    settings,
    supervision,
    timers,
)
from routing import selectors as routing_selectors
from routing.models import Agent, Channel, WrapUpBlock
from routing.policy import Load
from routing.services import presence
from supervisor_console.kernel.actor import Actor, customer_actor

Tale = Generator[datetime, None, None]

CONFIRMED = frozenset(
    {
        "capacity_override",
        "force_close",
        "presence_override",
        "profile_override",
        "queue_closed_hours",
        "session_limit",
    }
)
"""The cautions that the supervisors of the story have read."""

PRODUCT_SKILL = {
    people.BILLING: ("Payments", 3),
    people.RETURNS: ("Orders", 3),
    people.TECHNICAL: ("Network", 4),
    people.SALES: ("Contracts", 3),
}
"""What part of the conversations of a queue requires."""

RETURNS = "It is me again. Has anything happened since? I have not heard from you."


def tell(centre: Centre, now: datetime, seed: int) -> None:
    """Let everything happen that happened before ``now``."""
    customers: dict[str, int] = {}
    conversations = (Conversations(centre, plan, customers, now, seed).tale() for plan in Planner(now, seed).plans())
    talks = assistant.tales(centre, now)
    run([*shifts(centre, now), inactivity(centre, now), reading(centre, now), *conversations, *talks])


def run(tales: Iterable[Tale]) -> None:
    """Wake each tale when its moment has come, the earliest first."""
    waiting = [(next(tale), number, tale) for number, tale in enumerate(tales)]
    heapify(waiting)
    while waiting:
        _, number, tale = heappop(waiting)
        moment = next(tale, None)
        if moment is not None:
            heappush(waiting, (moment, number, tale))


# --- the people ---------------------------------------------------------------------------------------------


def shifts(centre: Centre, now: datetime) -> Iterable[Tale]:
    """Everybody comes and goes; at the end each is where ``people`` says."""
    return (_days(centre, person, number, now) for number, person in enumerate(people.EVERYBODY))


def _days(centre: Centre, person: Person, number: int, now: datetime) -> Tale:
    agent_id = centre.agent_ids[person.username]
    late = timedelta(seconds=17 * number)
    for came, went in (SHIFT_FIRST, SHIFT_BEFORE):
        yield now - came + late
        presence.sign_in(agent_id, load_of=_load_of, now=now - came + late)
        yield now - went + late
        presence.sign_out(agent_id, now=now - went + late)
    yield now - SHIFT + late
    presence.sign_in(agent_id, load_of=_load_of, now=now - SHIFT + late)
    ends = now - minutes(person.minutes) + late / 10
    if person in people.PLAYERS:
        # What visitors sign in as is ready for work, whatever it holds.
        yield ends
        building.change_presence(centre, person, "Available", ends)
    elif person.presence == "Offline":
        yield ends
        presence.sign_out(agent_id, now=ends)
    elif person.presence:
        yield ends
        building.change_presence(centre, person, person.presence, ends)
    if person.default:
        Agent.objects.filter(pk=agent_id).update(default_presence=centre.presences[person.default])


def _load_of(agent_id: int, now: datetime) -> Load:
    return selectors.loads([agent_id], now)[agent_id]


def inactivity(centre: Centre, now: datetime) -> Tale:
    """For a while a missed offer made people inactive; the administrator tried it out and took it back."""
    admin = centre.actors[people.ADMIN[0]]
    for ago, value in ((180, True), (5, False)):
        moment = now - minutes(ago)
        yield moment
        settings.change(admin, values={"missed_sets_inactive": value}, now=moment)


def reading(centre: Centre, now: datetime) -> Tale:
    """A while ago everybody who is there read their notices; what came since is new."""
    moment = now - minutes(12)
    yield moment
    for person in people.EVERYBODY:
        if not person.presence or person.minutes < 12:
            notices.mark_all_read(centre.actors[person.username], now=moment)


# --- the conversations ------------------------------------------------------------------------------------------


class Conversations:
    """Tells what happens to one conversation."""

    def __init__(self, centre: Centre, plan: Plan, customers: dict[str, int], now: datetime, seed: int) -> None:
        self.centre = centre
        self.plan = plan
        self.customers = customers
        self.now = now
        self.rng = Random(f"{seed} {plan.number}")  # noqa: S311  (a story, not a secret)
        self.supervisor = centre.actors[people.SUPERVISORS[0].username]
        self.colleague = centre.actors[people.SUPERVISORS[1].username]
        self.agent = centre.actors[plan.agent.username]
        self.pk = 0

    def tale(self) -> Tale:
        """From the first line to where it stands when the demo begins."""
        plan = self.plan
        yield from self.begin()
        match plan.fate:
            case Fate.OPEN:
                pass
            case Fate.ABANDONED:
                moment = plan.starts + minutes(self.rng.uniform(0.8, 6))
                yield moment
                closure.customer_ends(self.customer, self.pk, disconnected=self.rng.random() < 0.5, now=moment)
            case Fate.AUTO_CLOSED:
                moment = plan.starts + selectors.settings_row().closing()[plan.channel.kind, State.OPEN] + minutes(1)
                yield moment
                timers.run_due(now=moment)
            case Fate.REJECTED | Fate.MISSED | Fate.MOVED | Fate.OFFERED:
                yield from self.handed_out()
            case Fate.ASSIGNED:
                yield from self.assigned(plan.answers)
                yield from self.talk(plan.dialogue, plan.answers + minutes(1), plan.rests)
            case _:
                yield plan.answers
                assignment.pick(self.agent, self.pk, now=plan.answers)
                yield from self.answered()

    def answered(self) -> Tale:
        """What follows once an agent has it."""
        plan = self.plan
        match plan.fate:
            case Fate.TRANSFERRED | Fate.TRANSFER_REJECTED:
                yield from self.transferred()
            case Fate.WATCHED | Fate.JOINED:
                yield from self.supervised()
            case Fate.RELEASED:
                yield from self.talk(plan.dialogue, plan.answers, plan.rests)
                moment = plan.rests + minutes(3)
                yield moment
                assignment.release(self.agent, self.pk, now=moment)
            case Fate.WAITING | Fate.WAITING_TRANSFER | Fate.RETURNED | Fate.REVIVED:
                yield from self.waits()
            case Fate.FORCE_CLOSED:
                yield from self.talk(plan.dialogue, plan.answers, plan.rests)
                moment = plan.rests + minutes(2)
                yield moment
                note = "Insults in several messages, the customer was warned twice."
                closure.force_close(
                    self.supervisor, self.pk, version=self.row().version, confirmed=CONFIRMED, note=note, now=moment
                )
            case Fate.WRAP_UP | Fate.CUSTOMER_LEFT | Fate.CLOSED:
                yield from self.talk(plan.dialogue, plan.answers, plan.rests)
                yield from self.ends()
            case _:
                yield from self.talk(plan.dialogue, plan.answers, plan.rests)
                if plan.fate == Fate.ELEVATED:
                    elevation.elevate(self.agent, self.pk, medium=policy.Medium.VIDEO, now=plan.rests)
                if plan.fate == Fate.TRANSFER_PENDING:
                    yield from self.asks_to_transfer(self.now - minutes(0.6), "Needs somebody who speaks with the lab.")

    # --- parts ------------------------------------------------------------------------------------------------

    @property
    def customer(self) -> Actor:
        """The actor of the customer."""
        return customer_actor(self.customers[self.plan.customer], self.plan.customer)

    def row(self) -> Conversation:
        """The conversation as it is at this moment of the story."""
        return Conversation.objects.get(pk=self.pk)

    def offer(self) -> Offer:
        """Its pending offer."""
        return Offer.objects.get(conversation=self.pk, status=OfferStatus.PENDING)

    def begin(self) -> Tale:
        """The customer writes the first lines."""
        plan = self.plan
        yield plan.starts
        event = intake.start(
            workstream_id=self.centre.workstreams[plan.channel].pk,
            name=plan.customer,
            text=plan.opening[0].text,
            subject=plan.subject,
            contact=plan.contact,
            queue_id=self.centre.queues[plan.queue].pk,
            customer_id=self.customers.get(plan.customer),
            required_skills=self.required_skills(),
            now=plan.starts,
        )
        self.pk = event.conversation_id
        self.customers[plan.customer] = self.row().customer_id
        for number, line in enumerate(plan.opening[1:], start=1):
            moment = plan.starts + timedelta(seconds=6 * number)
            yield moment
            messaging.receive(self.customer, self.pk, text=line.text, now=moment)

    def required_skills(self) -> dict[int, int]:
        """A language other than English, and for some a subject."""
        wanted = {} if self.plan.language == "English" else {self.plan.language: 3}
        if self.rng.random() < 0.35 and self.plan.queue in PRODUCT_SKILL:
            name, minimum = PRODUCT_SKILL[self.plan.queue]
            wanted[name] = minimum
        return {self.centre.skills[name].pk: minimum for name, minimum in wanted.items()}

    def talk(self, lines: Iterable[Line], after: datetime, until: datetime) -> Tale:
        """The lines of a dialogue, spread over the time they took."""
        lines = list(lines)
        for line, moment in zip(lines, moments(self.rng, after, until, len(lines)), strict=True):
            yield moment
            self.say(line, moment)

    def say(self, line: Line, moment: datetime, agent: Actor | None = None) -> None:
        """One line, by whoever says it."""
        if line.voice == Voice.CUSTOMER:
            messaging.receive(self.customer, self.pk, text=line.text, now=moment)
            return
        visibility = Visibility.INTERNAL if line.voice == Voice.INTERNAL else Visibility.PUBLIC
        messaging.send(agent or self.agent, self.pk, text=line.text, visibility=visibility, now=moment)

    def assigned(self, moment: datetime, note: str = "") -> Tale:
        """A supervisor gives it to the agent, past their capacity if need be, and they accept."""
        yield moment
        self.assign(self.agent, moment, note)
        moment += timedelta(seconds=14)
        yield moment
        offers.accept(self.agent, self.offer().pk, now=moment)

    def assign(self, agent: Actor, moment: datetime, note: str = "") -> None:
        """A supervisor offers it to an agent."""
        assert agent.agent_id is not None
        assignment.assign(
            self.supervisor,
            self.pk,
            agent_id=agent.agent_id,
            version=self.row().version,
            confirmed=CONFIRMED,
            note=note,
            now=moment,
        )

    def handed_out(self) -> Tale:
        """A supervisor gives an open one to somebody, with more or less luck, or to another queue."""
        plan = self.plan
        moment = plan.answers if plan.fate != Fate.OFFERED else self.now - minutes(0.3 + 0.2 * (plan.number % 4))
        yield moment
        if plan.fate == Fate.MOVED:
            target = people.ACCOUNTS if plan.channel == Channel.PERSISTENT_CHAT else people.SALES
            if target == plan.queue:
                target = people.RETURNS
            assignment.assign_to_queue(
                self.supervisor,
                self.pk,
                queue_id=self.centre.queues[target].pk,
                version=self.row().version,
                confirmed=CONFIRMED,
                note="Belongs to you, see the first line.",
                now=moment,
            )
            return
        missing = self.centre.actors[people.MISSES]
        self.assign(missing if plan.fate == Fate.MISSED else self.agent, moment, "Please take this one next.")
        if plan.fate == Fate.REJECTED:
            moment += minutes(0.7)
            yield moment
            offers.reject(self.agent, self.offer().pk, now=moment)
        elif plan.fate == Fate.MISSED:
            moment = self.offer().expires_at
            yield moment
            timers.run_due(now=moment)

    def asks_to_transfer(self, moment: datetime, note: str = "") -> Tale:
        """A supervisor asks somebody else of the queue to take over."""
        yield moment
        assignment.transfer(
            self.supervisor,
            self.pk,
            agent_id=self.somebody_else(moment),
            version=self.row().version,
            confirmed=CONFIRMED,
            note=note,
            now=moment,
        )

    def somebody_else(self, moment: datetime) -> int:
        """Whom the dialog would list first; the desks of the log-ins stay free where others can do it."""
        row = self.row()
        facts = selectors.facts(row, None)
        allowed = row.workstream.allowed_presences
        targets = selectors.targets(row, routing_selectors.members(row.queue), moment).values()
        free = [found.candidate for found in targets if policy.why_not_transfer_to(found, facts, allowed) is None]
        players = {self.centre.agent_ids[person.username] for person in people.PLAYERS + people.SUPERVISORS}
        return min(free, key=lambda found: (found.agent_id in players, found.load.units, found.agent_id)).agent_id

    def transferred(self) -> Tale:
        """In the middle of the dialogue a supervisor asks for a transfer, which is accepted or rejected."""
        plan = self.plan
        half = len(plan.dialogue) // 2
        middle = plan.answers + (plan.rests - plan.answers) / 2
        yield from self.talk(plan.dialogue[:half], plan.answers, middle)
        moment = middle + timedelta(seconds=20)
        yield from self.asks_to_transfer(moment, "You know this case from last week.")
        offer = self.offer()
        asked = self.centre.actor_of(offer.agent_id)
        moment += timedelta(seconds=25)
        yield moment
        if plan.fate == Fate.TRANSFER_REJECTED:
            offers.reject(asked, offer.pk, now=moment)
        else:
            offers.accept(asked, offer.pk, now=moment)
            self.agent = asked
        yield from self.talk(plan.dialogue[half:], moment, plan.rests)

    def supervised(self) -> Tale:
        """A supervisor watches, and leaves again or joins and stays."""
        plan = self.plan
        watcher = self.colleague if plan.queue in people.listed(people.SUPERVISORS[1].queues) else self.supervisor
        half = len(plan.dialogue) // 2
        middle = plan.answers + (plan.rests - plan.answers) / 2
        yield from self.talk(plan.dialogue[:half], plan.answers, middle)
        yield middle
        supervision.monitor(watcher, self.pk, now=middle)
        moment = middle + timedelta(seconds=25)
        if plan.fate == Fate.WATCHED:
            for _ in range(4):
                yield moment
                supervision.seen([watcher.user_id or 0], now=moment)
                moment += timedelta(seconds=25)
            supervision.stop_monitoring(watcher, self.pk, now=moment)
            yield from self.talk(plan.dialogue[half:], moment, plan.rests)
            return
        yield moment
        supervision.join(watcher, self.pk, now=moment)
        for text, visibility in (
            ("I am with you. Offer a voucher of € 20, I sign it.", Visibility.INTERNAL),
            (f"Hello, my name is {watcher.name}, I look after this myself now.", Visibility.PUBLIC),
        ):
            moment += timedelta(seconds=15)
            yield moment
            messaging.send(watcher, self.pk, text=text, visibility=visibility, now=moment)
        yield from self.talk(plan.dialogue[half:], moment, plan.rests)

    def waits(self) -> Tale:
        """The agent closes the session without ending; some come back."""
        plan = self.plan
        revived = plan.fate == Fate.REVIVED
        until = plan.answers + minutes(15) if revived else plan.rests
        yield from self.talk(plan.dialogue[:-1] if revived else plan.dialogue, plan.answers, until)
        moment = until + minutes(2)
        yield moment
        closure.close_session(self.agent, self.pk, now=moment)
        if plan.fate == Fate.RETURNED:
            moment = self.now - minutes(self.rng.uniform(4, 30))
            yield moment
            messaging.receive(self.customer, self.pk, text=RETURNS, now=moment)
        elif revived:
            moment = plan.rests - minutes(4)
            yield moment
            intake.revive(self.agent, self.pk, now=moment)
            yield from self.talk(plan.dialogue[-1:], moment, plan.rests)
        elif plan.fate == Fate.WAITING_TRANSFER:
            yield from self.asks_to_transfer(self.now - minutes(1.1), "The customer asked for a second opinion.")

    def ends(self) -> Tale:
        """Somebody ends it; the after-work follows, and perhaps its end."""
        plan = self.plan
        moment = plan.rests + timedelta(seconds=20)
        yield moment
        live = plan.channel in (Channel.LIVE_CHAT, Channel.VOICE)
        if plan.fate == Fate.CUSTOMER_LEFT or (live and plan.fate == Fate.CLOSED and self.rng.random() < 0.4):
            closure.customer_ends(self.customer, self.pk, now=moment)
        else:
            closure.end(self.agent, self.pk, now=moment)
        work = self.centre.workstreams[plan.channel]
        block = timedelta(seconds=work.wrapup_block_seconds or 0)
        finishes = moment + minutes(self.rng.uniform(1, 9)) if plan.fate == Fate.CLOSED else self.now
        if work.wrapup_block == WrapUpBlock.CUSTOM and moment + block < finishes:
            yield moment + block
            timers.run_due(now=moment + block)
        if plan.fate == Fate.CLOSED:
            yield finishes
            closure.finish_wrap_up(self.agent, self.pk, now=finishes)
