"""What shall happen to whom, and when? Chance decides, always the same way for the same seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from itertools import count
from random import Random

from conversations.demo import people
from conversations.demo.people import Person
from conversations.demo.transcripts import Line, Transcript, transcripts
from conversations.models import Sentiment
from routing.models import Channel


class Fate(Enum):
    """What becomes of a conversation until the demo begins."""

    # open
    OPEN = auto()
    REJECTED = auto()  # assigned, rejected, open again
    MISSED = auto()  # assigned, not answered, open again
    RELEASED = auto()  # given back by its agent
    RETURNED = auto()  # was waiting, the customer wrote again
    MOVED = auto()  # moved to another queue
    # active
    OFFERED = auto()
    ACTIVE = auto()
    ASSIGNED = auto()  # by a supervisor, past the agent's capacity
    REVIVED = auto()  # was waiting, its agent took it up again
    TRANSFERRED = auto()  # the first agent is a consultant now
    TRANSFER_REJECTED = auto()
    TRANSFER_PENDING = auto()
    WATCHED = auto()  # a supervisor monitored it for a while
    JOINED = auto()  # a supervisor is in it
    ELEVATED = auto()  # in a video call
    OWN = auto()  # the supervisor's own
    # waiting
    WAITING = auto()
    WAITING_TRANSFER = auto()  # a transfer of it is pending
    # wrap-up
    WRAP_UP = auto()
    CUSTOMER_LEFT = auto()
    # closed
    CLOSED = auto()
    ABANDONED = auto()
    AUTO_CLOSED = auto()
    FORCE_CLOSED = auto()


LC, PC, SMS, WA, V = Channel.LIVE_CHAT, Channel.PERSISTENT_CHAT, Channel.SMS, Channel.WHATSAPP, Channel.VOICE

SHAPE: tuple[tuple[Fate, dict[Channel, int]], ...] = (
    (Fate.OPEN, {LC: 3, PC: 2, SMS: 1, WA: 1, V: 2}),
    (Fate.REJECTED, {LC: 1, WA: 1}),
    (Fate.MISSED, {SMS: 1}),
    (Fate.RELEASED, {PC: 1}),
    (Fate.RETURNED, {PC: 1, WA: 1}),
    (Fate.MOVED, {LC: 1, PC: 1}),
    (Fate.OFFERED, {LC: 1, PC: 1, WA: 1, V: 1}),
    (Fate.OWN, {PC: 1}),
    (Fate.ACTIVE, {LC: 19, PC: 10, SMS: 7, WA: 9, V: 5}),
    (Fate.ASSIGNED, {LC: 2, WA: 1}),
    (Fate.REVIVED, {PC: 2, WA: 1}),
    (Fate.TRANSFERRED, {LC: 2, PC: 1, WA: 1}),
    (Fate.TRANSFER_REJECTED, {LC: 1, PC: 1}),
    (Fate.TRANSFER_PENDING, {LC: 1}),
    (Fate.WATCHED, {LC: 1, V: 1}),
    (Fate.JOINED, {LC: 1, WA: 1}),
    (Fate.ELEVATED, {LC: 2}),
    (Fate.WAITING, {PC: 8, SMS: 5, WA: 6}),
    (Fate.WAITING_TRANSFER, {PC: 1}),
    (Fate.WRAP_UP, {LC: 3, PC: 1, SMS: 2, WA: 1, V: 1}),
    (Fate.CUSTOMER_LEFT, {LC: 1, V: 1}),
    (Fate.CLOSED, {LC: 20, PC: 6, SMS: 6, WA: 8, V: 8}),
    (Fate.ABANDONED, {LC: 3, V: 2}),
    (Fate.AUTO_CLOSED, {LC: 3}),
    (Fate.FORCE_CLOSED, {LC: 2, PC: 1, WA: 1}),
)
"""How many of each: 121 ongoing ones in the proportions of a busy hour, and 60 that are closed."""

UNPLEASANT = frozenset({Fate.JOINED, Fate.WATCHED, Fate.FORCE_CLOSED, Fate.ASSIGNED, Fate.OWN, Fate.REJECTED})
"""What supervisors look into is what goes badly."""

HELD = frozenset(
    {
        Fate.ACTIVE,
        Fate.ASSIGNED,
        Fate.REVIVED,
        Fate.TRANSFERRED,
        Fate.TRANSFER_REJECTED,
        Fate.TRANSFER_PENDING,
        Fate.WATCHED,
        Fate.JOINED,
        Fate.ELEVATED,
    }
)
"""Fates after which an agent is in the conversation."""

BUSY = HELD | {Fate.OFFERED, Fate.WRAP_UP, Fate.CUSTOMER_LEFT}
"""Fates that count against what an agent is to hold when the demo begins."""

SHIFT = timedelta(hours=9)
"""How long before the demo begins the people came to work; before that they had gone home."""

SHIFT_BEFORE = (timedelta(hours=33), timedelta(hours=25))
"""When they came and went the day before."""

SHIFT_FIRST = (timedelta(hours=57), timedelta(hours=49))
"""When they came and went two days before."""


def minutes(number: float) -> timedelta:
    """So many minutes."""
    return timedelta(minutes=number)


@dataclass(frozen=True, slots=True)
class Plan:
    """One conversation: what is said, by whom, what becomes of it, and when.

    It starts at ``starts``, the first agent answers at ``answers``, and the last line is written at
    ``rests``.
    """

    number: int
    fate: Fate
    channel: Channel
    queue: str
    language: str
    subject: str
    customer: str
    contact: str
    opening: tuple[Line, ...]
    dialogue: tuple[Line, ...]
    agent: Person
    starts: datetime
    answers: datetime
    rests: datetime


class Planner:
    """Deals scripts, customers, agents and times to the conversations of ``SHAPE``."""

    def __init__(self, now: datetime, seed: int) -> None:
        self.now = now
        self.rng = Random(seed)  # noqa: S311  (a story, not a secret)
        self.numbers = count(1)
        self.scripts = list(transcripts())
        self.rng.shuffle(self.scripts)
        self.told: Counter[Transcript] = Counter()
        self.customers = {language: list(people.listed(names)) for language, names in people.CUSTOMERS.items()}
        for names in self.customers.values():
            self.rng.shuffle(names)
        self.greeted: Counter[str] = Counter()
        self.held: Counter[str] = Counter()
        self.calling: Counter[str] = Counter()

    def plans(self) -> Iterator[Plan]:
        """Every conversation of the demo, in no particular order."""
        for fate, channels in SHAPE:
            for channel, number in channels.items():
                for turn in range(number):
                    yield self.plan(fate, channel, turn)

    def plan(self, fate: Fate, channel: Channel, turn: int) -> Plan:
        """One conversation."""
        script = self.script(fate, channel)
        queue = people.CALLS if script.is_call else script.queue.capitalize()
        customer = self.customer(script.language)
        starts, answers, rests = self.times(fate, channel, turn)
        agent = self.agent(fate, channel, queue, answers)
        if agent.presence and fate in HELD:
            rests = min(rests, self.now - minutes(agent.minutes + 1))
        words = self.words(customer, agent)
        return Plan(
            number=next(self.numbers),
            fate=fate,
            channel=channel,
            queue=queue,
            language=script.language,
            subject=fill(script.subjects[(self.told[script] - 1) % len(script.subjects)], words),
            customer=customer,
            contact=made_up_contact(self.rng, channel, sum(self.greeted.values())),
            opening=tuple(Line(line.voice, fill(line.text, words)) for line in script.opening),
            dialogue=tuple(Line(line.voice, fill(line.text, words)) for line in self.said(fate, script)),
            agent=agent,
            starts=starts,
            answers=answers,
            rests=rests,
        )

    def script(self, fate: Fate, channel: Channel) -> Transcript:
        """What is said: whatever was told least often, and fits."""
        fitting = [script for script in self.scripts if script.is_call == (channel == Channel.VOICE)]
        if fate == Fate.OWN:
            fitting = [script for script in fitting if script.queue == "billing"]
        if fate in UNPLEASANT:
            bad = [script for script in fitting if script.mood <= Sentiment.SLIGHTLY_NEGATIVE]
            fitting = bad or fitting
        found = min(fitting, key=lambda script: self.told[script])
        self.told[found] += 1
        return found

    def said(self, fate: Fate, script: Transcript) -> tuple[Line, ...]:
        """How far they have come: what still goes on has not heard its last lines."""
        whole = len(script.dialogue)
        if fate in HELD or fate == Fate.OWN:
            return script.dialogue[: self.rng.randint(min(2, whole), max(whole - 1, 1))]
        if fate in (Fate.RETURNED, Fate.RELEASED, Fate.FORCE_CLOSED):
            return script.dialogue[: max(whole - 2, 1)]
        return script.dialogue

    def agent(self, fate: Fate, channel: Channel, queue: str, answers: datetime) -> Person:
        """Who has it: of the queue's members who were there, whoever has least of what they are to hold."""
        if fate == Fate.OWN:
            return people.SUPERVISORS[0]
        is_call = channel == Channel.VOICE
        # Those who left are given nothing that they would not have finished before.
        there = [
            person
            for person in members(queue)
            if not person.presence or answers < self.now - minutes(person.minutes + (2 if fate in HELD else 60))
        ]
        if fate not in HELD:
            there = [person for person in there if person not in people.PLAYERS]
        if fate not in BUSY:
            return self.rng.choice(there)
        if channel == Channel.WHATSAPP:
            there = [person for person in there if person.seats is not None] or there
        taken = self.calling if is_call else self.held

        def share(person: Person) -> float:
            quota = person.calls if is_call else person.holds
            return taken[person.username] / quota if quota else 9.0 + taken[person.username]

        found = min(there, key=share)
        taken[found.username] += 1
        return found

    def customer(self, language: str) -> str:
        """Who writes; when every name has been used, somebody writes again."""
        names = self.customers[language]
        self.greeted[language] += 1
        return names[(self.greeted[language] - 1) % len(names)]

    def words(self, customer: str, agent: Person) -> dict[str, str]:
        """What is filled into the lines."""
        return {"name": first_name(customer), "agent": agent.first, **made_up_words(self.rng, self.now.year)}

    def times(self, fate: Fate, channel: Channel, turn: int) -> tuple[datetime, datetime, datetime]:
        """Start, first answer and last line. Live talk is minutes old, messages are hours old, a few are days old."""
        between = self.rng.uniform
        live = channel in (Channel.LIVE_CHAT, Channel.VOICE)
        wait = between(0.15, 2.5) if live else between(0.5, 24)
        match fate:
            case Fate.OPEN:
                start = between(0.3, 5) if live else (1560.0 if turn == 1 else between(1.5, 45))
                wait = rest = 0.0
            case Fate.REJECTED | Fate.MISSED | Fate.MOVED:
                start, wait = (between(6, 12), 2.0) if live else (between(20, 60), 5.0)
                rest = 0.0
            case Fate.ASSIGNED:
                start, wait, rest = between(11, 17), between(3, 5), between(0.5, 3)
            case Fate.WATCHED | Fate.JOINED:
                start, wait, rest = between(20, 45), between(0.5, 2), between(0.3, 2)
            case Fate.OFFERED:
                start, wait, rest = between(3, 6), 2.0, 0.0
            case Fate.RELEASED | Fate.RETURNED:
                start, wait = between(60, 90) if fate == Fate.RELEASED else between(200, 400), 6.0
                rest = start - wait - between(12, 30)
            case Fate.REVIVED:
                start, wait, rest = (1900.0 if turn == 1 else between(300, 480)), 9.0, between(20, 120)
            case Fate.WAITING | Fate.WAITING_TRANSFER:
                day = (0, 0, 0, 1, 0, 1, 2, 0)[turn]
                start = (between(150, 500), between(1540, 1920), between(2960, 3360))[day]
                rest = start - wait - between(12, 60)
            case Fate.WRAP_UP | Fate.CUSTOMER_LEFT:
                start = between(14, 30) if live else between(60, 140)
                rest = between(1.5, 6) if live else between(4, 20)
            case Fate.CLOSED | Fate.FORCE_CLOSED:
                start = between(50, 500) if turn % 6 or fate == Fate.FORCE_CLOSED else between(1540, 1900)
                rest = start - wait - between(5, 18)
            case Fate.ABANDONED:
                start, wait, rest = between(60, 500), 0.0, 0.0
            case Fate.AUTO_CLOSED:
                start, wait, rest = between(620, 1200), 0.0, 0.0
            case _ if channel == Channel.VOICE:
                start, rest = between(4, 34), between(0.05, 0.4)
            case _ if channel == Channel.LIVE_CHAT:
                start, rest = between(13, 55), between(0.1, 2.5)
            case _:
                start = between(180, 420) if turn % 4 == 3 else between(20, 150)
                rest = between(0.5, start * 0.2)
        return self.now - minutes(start), self.now - minutes(start - wait), self.now - minutes(rest)


def members(queue: str) -> list[Person]:
    """The agents of a queue."""
    staff = people.PLAYERS + people.COLLEAGUES
    return [person for person in staff if queue in people.listed(person.queues)]


def fill(text: str, words: dict[str, str]) -> str:
    """A text with its places filled in."""
    return text.format(**words)


def made_up_words(rng: Random, year: int) -> dict[str, str]:
    """Numbers, things and places to fill into the lines."""
    return {
        "order": str(rng.randint(41_000, 58_999)),
        "invoice": f"{year}-{rng.randint(1000, 9999)}",
        "amount": f"€ {rng.randint(9, 240)}.{rng.choice(('00', '50', '90', '99'))}",
        "ref": f"{rng.choice('ABCDEFGH')}{rng.randint(100_000, 999_999)}",
        "product": rng.choice(people.PRODUCTS),
        "city": rng.choice(people.CITIES),
        "day": rng.choice(people.DAYS),
    }


MADE_UP_NUMBER, MADE_UP_MAIL = "+44 20 7946 0", "@mail.example"
"""Numbers and addresses that are set aside for stories."""


def made_up_contact(rng: Random, channel: Channel, number: int) -> str:
    """An address or a number that belongs to nobody."""
    if channel in (Channel.SMS, Channel.WHATSAPP, Channel.VOICE):
        return f"{MADE_UP_NUMBER}{rng.randint(0, 999):03}"
    return f"c{number}{MADE_UP_MAIL}"


def is_made_up(contact: str) -> bool:
    """Whether a customer is one of the story's, and not a visitor's own."""
    return contact.startswith(MADE_UP_NUMBER) or contact.endswith(MADE_UP_MAIL)


def first_name(customer: str) -> str:
    """How a customer is addressed; whoever writes for a company has not said."""
    parts = customer.split()
    is_person = len(parts) == 2 and not any(sign in customer for sign in "&.–") and not customer.isupper()
    return parts[0] if is_person else customer


def moments(rng: Random, after: datetime, until: datetime, number: int) -> list[datetime]:
    """So many moments in order, the last one at ``until``."""
    weights = [rng.uniform(0.4, 1.6) for _ in range(number)]
    found, total = [], 0.0
    for weight in weights:
        total += weight
        found.append(after + (until - after) * (total / sum(weights)))
    return found
