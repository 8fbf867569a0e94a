"""Who acts while things break? Customers, agents and supervisors, each action sent until it is answered.

A conversation is a story of fixed steps, so that its history can be told in advance. Each step is one POST with a key;
an answer that did not come, or that says "not just now", is answered by sending the same again, at the other server.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from itertools import count
from typing import TypeVar
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections

from conversations.models import Conversation, Offer, OfferStatus
from supervisor_console.models import IdempotencyKey
from tests.cast import EVERY_CAUTION
from tests.sockets import TOKEN

T = TypeVar("T")
Fields = Mapping[str, str | list[str]]

ANSWER_SECONDS = 15.0
"""A person has given up by then."""

GIVE_UP_SECONDS = 90.0
PAUSE_SECONDS = 0.25
STAYS = 10
"""One in so many conversations is still going on in the end. Agents take no more than their desks can show."""

MOST_FAULTS = 20
"""After so many nobody begins anything more."""

DONE = {204, 302}
NOT_NOW = 503
NOBODY = -1
GONE = 409
SWEPT_SECONDS = 3.0
"""The background work has looked by then."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: 0 where nothing did, -1 where nobody took it. ``said`` is the toast of it, or the page."""

    status: int
    said: str = ""
    cookies: tuple[str, ...] = ()
    url: str = ""


@dataclass
class Book:
    """What the crowd met, written by all its threads."""

    answers: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    unanswered: int = 0
    """Requests that were sent and never answered: what became of them, nobody was told …"""

    done_unanswered: int = 0
    """… and of these so many, at least, had been carried out."""

    faults: list[str] = field(default_factory=list)
    stories: list[Told] = field(default_factory=list)
    done: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, answer: Answer, seconds: float) -> None:
        """One request."""
        with self.lock:
            self.answers[str(answer.status)] += 1
            self.slowest = max(self.slowest, seconds)
            self.unanswered += answer.status == 0
            self.done += answer.status in DONE

    def fault(self, text: str) -> None:
        """Something that must not be."""
        with self.lock:
            self.faults.append(text)


@dataclass(frozen=True, slots=True)
class Told:
    """A story that was told to the end: what must be in the database of it, once each."""

    conversation: int
    codes: Sequence[str]
    lines: Sequence[str]
    holder: int | None
    """The agent who has it in the end; nobody where it was closed."""


@dataclass(frozen=True)
class People:
    """Whose clicks they are: a session of each; agents with the ids of their rows."""

    supervisors: Sequence[str]
    agents: Sequence[tuple[int, str]]


@dataclass
class Crowd:
    """Several threads, each of which tells one story after the other."""

    addresses: Sequence[str]
    people: People
    book: Book = field(default_factory=Book)
    enough: threading.Event = field(default_factory=threading.Event)
    numbers: count[int] = field(default_factory=count)
    threads: list[threading.Thread] = field(default_factory=list)

    def begin(self, size: int) -> None:
        """So many act at the same time from now on."""
        self.threads = [threading.Thread(target=self._live, daemon=True) for _ in range(size)]
        for thread in self.threads:
            thread.start()

    def end(self) -> None:
        """Everybody tells their story to the end, and goes."""
        self.enough.set()
        for thread in self.threads:
            thread.join(GIVE_UP_SECONDS + 30)
            if thread.is_alive():
                self.book.fault("somebody never came to the end")

    def _live(self) -> None:
        while not self.enough.is_set() and len(self.book.faults) < MOST_FAULTS:
            try:
                Story(self, next(self.numbers)).tell()
            except Exception as error:
                self.book.fault(f"a story broke off: {error!r}")
        close_old_connections()


class GaveUp(Exception):
    """An action was not done in a minute and a half, or was refused."""


class Story:
    """One conversation: begun, written in, assigned, accepted, transferred, taken over, and mostly closed by force."""

    def __init__(self, crowd: Crowd, number: int) -> None:
        self.crowd, self.number = crowd, number
        self.requests = count(number)

    def tell(self) -> None:
        people, number = self.crowd.people, self.number
        boss = people.supervisors[number % len(people.supervisors)]
        (first_id, first), (second_id, second) = (
            people.agents[(number + place) % len(people.agents)] for place in range(2)
        )
        key = str(uuid.uuid4())
        begun = self.act("/chat/", "", {"name": f"Customer {number}", "text": f"Story {number}", "client_key": key})
        customer, chat = "; ".join(begun.cookies), begun.url
        pk = self.read(lambda: Conversation.objects.values_list("pk", flat=True).get(public_id=chat.split("/")[-2]))
        lines = [f"Story {number}"]

        def write(path: str, session: str, text: str) -> None:
            self.act(path, session, {"text": text, "client_key": str(uuid.uuid4())})
            lines.append(text)

        write(f"{chat}messages/", customer, f"Line 1 of {number}")
        self.supervise(boss, pk, "assign", first_id)
        self.accept(first, pk)
        write(f"/desk/{pk}/messages/", first, f"Answer of {number}")
        self.supervise(boss, pk, "transfer", second_id)
        self.accept(second, pk)
        write(f"{chat}messages/", customer, f"Line 2 of {number}")
        codes = ["created", "assigned", "accepted", "transfer_requested", "transferred"]
        stays = number % STAYS == 0
        if not stays:
            self.supervise(boss, pk, "force-close", None)
            codes.append("force_closed")
        told = Told(pk, [f"conversation.{code}" for code in codes], lines, second_id if stays else None)
        with self.crowd.book.lock:
            self.crowd.book.stories.append(told)

    # --- steps ----------------------------------------------------------------------------------------------------

    def supervise(self, session: str, pk: int, verb: str, agent: int | None) -> None:
        """What a supervisor does in a dialog, which knows the version that it was opened with."""
        version = self.read(lambda: Conversation.objects.values_list("version", flat=True).get(pk=pk))
        fields: dict[str, str | list[str]] = {"version": str(version), "idempotency_key": str(uuid.uuid4())}
        fields |= {f"confirmed-{agent}" if agent else "confirmed": sorted(EVERY_CAUTION)}
        fields |= {"agent": str(agent)} if agent else {}
        self.act(f"/conversations/{pk}/{verb}/", session, fields)

    def accept(self, session: str, pk: int) -> None:
        """The agent accepts the offer that lies on the desk."""
        pending = Offer.objects.filter(conversation=pk, status=OfferStatus.PENDING)
        offer = self.read(lambda: pending.values_list("pk", flat=True).get())
        # One that ran out because the clock was set can be answered again a moment later.
        self.act(f"/desk/offers/{offer}/accept/", session, {"idempotency_key": str(uuid.uuid4())}, may_wait=True)

    def act(self, path: str, cookie: str, fields: Fields, *, may_wait: bool = False) -> Answer:
        """Send it until it is answered; each time at another server, with the same key.

        Where it ``may_wait``, a no is taken for one the second time only.
        """
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while True:
            address = self.crowd.addresses[next(self.requests) % len(self.crowd.addresses)]
            began = time.monotonic()
            answer = post(address, path, cookie, fields)
            self.crowd.book.note(answer, time.monotonic() - began)
            if answer.status in DONE:
                return answer
            if may_wait and answer.status == GONE:
                may_wait = False
                time.sleep(SWEPT_SECONDS)
                continue
            if answer.status == 0 and (key := fields.get("idempotency_key")):
                self.crowd.book.done_unanswered += self.read(IdempotencyKey.objects.filter(key=key).exists)
            if answer.status not in {0, NOBODY, NOT_NOW}:
                self.crowd.book.fault(f"{path} answered {answer.status}: {answer.said[:300]}")
                raise GaveUp(path)
            if time.monotonic() > deadline:
                raise GaveUp(f"{path}: {answer}")
            time.sleep(PAUSE_SECONDS)

    def read(self, ask: Callable[[], T]) -> T:
        """What a page would have shown; a reader, too, tries again."""
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while True:
            close_old_connections()
            try:
                return ask()
            except (DatabaseError, InterfaceError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(PAUSE_SECONDS)
            finally:
                close_old_connections()


def post(address: str, path: str, cookie: str, fields: Fields, *, htmx: bool = False) -> Answer:
    """One form, sent to one server as a browser does."""
    whose = cookie if "=" in cookie or not cookie else f"{settings.SESSION_COOKIE_NAME}={cookie}"
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Cookie": "; ".join(filter(None, [f"csrftoken={TOKEN}", whose])),
        "X-CSRFToken": TOKEN,
    } | ({"HX-Request": "true"} if htmx else {})
    return ask(address, "POST", path, headers, urlencode(fields, doseq=True))


def get(address: str, path: str, session: str = "") -> Answer:
    """One page."""
    return ask(address, "GET", path, {"Cookie": f"{settings.SESSION_COOKIE_NAME}={session}"})


def ask(address: str, method: str, path: str, headers: dict[str, str], body: str | None = None) -> Answer:
    """One request; nothing where the line breaks or nobody answers in time."""
    connection = HTTPConnection(urlsplit(address).netloc, timeout=ANSWER_SECONDS)
    try:
        connection.request(method, path, body, headers)
        found = connection.getresponse()
        said = found.getheader("HX-Trigger") or found.read().decode(errors="replace")
        cookies = tuple(line.split(";")[0] for line in found.headers.get_all("Set-Cookie") or [])
        return Answer(found.status, said, cookies, found.getheader("Location") or "")
    except ConnectionRefusedError:
        return Answer(NOBODY)
    except (OSError, HTTPException):
        return Answer(0)
    finally:
        connection.close()
