"""Who hears of what? Reads the outbox and the notices that an action left behind, in the names of the cast."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from conversations.models import Conversation, Notice
from routing.models import Queue, User
from supervisor_console.models import Announcement

SUPERVISORS = "every supervisor"
CUSTOMER = "the customer"


class Heard:
    """What was announced, to whom, and which notices were written."""

    def __init__(self) -> None:
        self._since = _last(Announcement)
        self._notices_since = _last(Notice)
        self.frames: list[tuple[str, frozenset[str]]] = []
        self.notices: list[tuple[str, str]] = []

    def close(self) -> None:
        """Stop listening and put names to everybody."""
        for row in Announcement.objects.filter(pk__gt=self._since).order_by("pk"):
            for announced in row.frames:
                frame: dict[str, Any] = announced["frame"]
                self.frames.append((frame["code"], frozenset(map(_name, announced["topics"]))))
        rows = Notice.objects.filter(pk__gt=self._notices_since).select_related("user").order_by("pk")
        self.notices = [(row.user.username, row.code) for row in rows]

    @property
    def codes(self) -> list[str]:
        """The codes of the events about conversations, in the order in which they were announced."""
        return [code for code, _ in self.frames if code.startswith("conversation.")]

    def by(self, code: str) -> set[str]:
        """Everybody who hears of this event."""
        found = [names for known, names in self.frames if known == code]
        assert len(found) == 1, f"{code} was announced {len(found)} times, among {[code for code, _ in self.frames]}"
        return set(found[0])


@contextmanager
def hearing() -> Iterator[Heard]:
    """Listen while something is done."""
    heard = Heard()
    yield heard
    heard.close()


def _last(model: type[Announcement] | type[Notice]) -> int:
    return model.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def _name(topic: str) -> str:
    """report:all, report:queue:3, user:7, chat:12, open:3 in words; other topics as they are."""
    kind, _, key = topic.partition(":")
    if topic == "report:all":
        return SUPERVISORS
    if kind == "report":
        return f"supervisors of {Queue.objects.get(pk=key.partition(':')[2]).name}"
    if kind == "open":
        return f"open list of {Queue.objects.get(pk=key).name}"
    if kind == "user":
        return User.objects.get(pk=key).username
    if kind == "chat":
        assert Conversation.objects.filter(pk=key).exists()
        return CUSTOMER
    return topic
