"""What do people say in the demo? Reads ``transcripts.txt``, which anybody can edit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from conversations.models import Sentiment
from conversations.sentiment import sentiment_of

SOURCE = Path(__file__).with_name("transcripts.txt")


class Voice(StrEnum):
    """Whose line it is; an internal one is the agent's, for colleagues only."""

    CUSTOMER = "c"
    AGENT = "a"
    INTERNAL = "i"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a conversation, with places to fill in."""

    voice: Voice
    text: str


@dataclass(frozen=True, slots=True)
class Transcript:
    """One conversation as it can go, and the subjects under which it may be filed."""

    queue: str
    language: str
    is_call: bool
    subjects: tuple[str, ...]
    opening: tuple[Line, ...]
    dialogue: tuple[Line, ...]

    @property
    def mood(self) -> Sentiment:
        """How the customer sounds over the whole of it."""
        return sentiment_of([line.text for line in self.opening + self.dialogue if line.voice == Voice.CUSTOMER])


@cache
def transcripts() -> tuple[Transcript, ...]:
    """Every conversation in the file, in its order."""
    blocks = SOURCE.read_text(encoding="utf-8").split("\n== ")[1:]
    return tuple(_transcript(block.strip().splitlines()) for block in blocks)


def _transcript(rows: list[str]) -> Transcript:
    queue, language, kind, *subjects = (part.strip() for part in rows[0].split("|"))
    lines = [Line(Voice(row[0]), row[2:].strip()) for row in rows[1:] if row]
    answered = next(number for number, line in enumerate(lines) if line.voice != Voice.CUSTOMER)
    return Transcript(
        queue=queue,
        language=language,
        is_call=kind == "voice",
        subjects=tuple(subjects),
        opening=tuple(lines[:answered]),
        dialogue=tuple(lines[answered:]),
    )
