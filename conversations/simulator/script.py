"""What do simulated people say next? The transcript so far is all they remember, so any process can go on with it.

A conversation's subject tells which transcript of the demo it follows; the lines that were said tell what had been
filled into its places. Where somebody else spoke in between, each voice goes on with its own next line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from random import Random
from string import Formatter

from conversations.demo.plans import fill
from conversations.demo.transcripts import Line, Transcript, Voice, transcripts

PHRASES = Path(__file__).with_name("phrases.txt")
ENGLISH = "English"


@cache
def phrases() -> Mapping[tuple[str, str], tuple[str, ...]]:
    """What is said without a transcript, by language and sign."""
    found: dict[tuple[str, str], list[str]] = {}
    language = ""
    for row in PHRASES.read_text(encoding="utf-8").splitlines():
        if row.startswith("== "):
            language = row[3:].strip()
        elif language and row:
            found.setdefault((language, row[0]), []).append(row[2:].strip())
    return {key: tuple(lines) for key, lines in found.items()}


def phrase(sign: str, language: str, rng: Random) -> str:
    """A line for an occasion, in the language of the conversation."""
    return rng.choice(phrases()[language, sign])


@cache
def pattern(template: str) -> re.Pattern[str]:
    """What a line with places looks like when they are filled in."""
    parts: list[str] = []
    seen: set[str] = set()
    for text, name, _, _ in Formatter().parse(template):
        parts.append(re.escape(text))
        if name:
            parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>.+?)")
            seen.add(name)
    return re.compile("".join(parts))


@lru_cache(maxsize=4096)
def transcript_of(subject: str) -> Transcript | None:
    """The transcript that a conversation with this subject follows, if it is one of the demo's."""
    return next(
        (script for script in transcripts() if any(pattern(title).fullmatch(subject) for title in script.subjects)),
        None,
    )


def language_of(script: Transcript | None) -> str:
    """The language in which a conversation is held."""
    return script.language if script is not None else ENGLISH


def customers_lines(script: Transcript) -> tuple[str, ...]:
    """Everything the customer has to say."""
    return tuple(line.text for line in script.opening + script.dialogue if line.voice == Voice.CUSTOMER)


def left(subject: str, said: int) -> tuple[int, int]:
    """How much a customer has still to say after so many lines: before anybody answers, and in all."""
    script = transcript_of(subject)
    if script is None:
        return 0, 0
    return max(len(script.opening) - said, 0), max(len(customers_lines(script)) - said, 0)


def customer_says(subject: str, said: Sequence[Line], words: Mapping[str, str], rng: Random) -> str:
    """The customer's next line."""
    script = transcript_of(subject)
    number = sum(line.voice == Voice.CUSTOMER for line in said)
    if script is None or number >= len(customers_lines(script)):
        return fill(phrase("b", language_of(script), rng), dict(words))
    return fill(customers_lines(script)[number], {**words, **remembered(script, subject, said)})


def agent_says(subject: str, said: Sequence[Line], words: Mapping[str, str], rng: Random) -> Line:
    """The agent's next line; some are for colleagues only."""
    script = transcript_of(subject)
    own = [line for line in script.dialogue if line.voice != Voice.CUSTOMER] if script is not None else []
    number = sum(line.voice != Voice.CUSTOMER for line in said)
    if script is None or number >= len(own):
        sign = "a" if number else "g"
        return Line(Voice.AGENT, fill(phrase(sign, language_of(script), rng), dict(words)))
    line = own[number]
    return Line(line.voice, fill(line.text, {**words, **remembered(script, subject, said)}))


def remembered(script: Transcript, subject: str, said: Sequence[Line]) -> dict[str, str]:
    """What was filled into the subject and into the lines so far; names are not remembered, people may change."""
    templates = [pattern(title) for title in script.subjects]
    templates += [pattern(line.text) for line in script.opening + script.dialogue]
    words: dict[str, str] = {}
    for text in [subject, *(line.text for line in said)]:
        for template in templates:
            if template.groups and (found := template.fullmatch(text)) is not None:
                words.update(found.groupdict())
                break
    words.pop("name", None)
    words.pop("agent", None)
    return words
