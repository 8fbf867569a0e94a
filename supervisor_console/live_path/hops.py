"""What does each reading mean: does the step work, and what is to be checked when it does not? Pure, but for words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from supervisor_console.heartbeat import SILENT_SECONDS, WORK
from supervisor_console.kernel.realtime import KEEP
from supervisor_console.kernel.realtime.listening import CATCH_UP_SECONDS, PROVE_SECONDS, PROVE_WITHIN_SECONDS
from supervisor_console.live_path.asking import WITHIN_SECONDS
from supervisor_console.live_path.readings import Asked, Beat, Ear, Outbox, Reach, Readings

T = TypeVar("T")

CONNECT_SLOW: Final = 0.2
READ_SLOW: Final = 0.05
COMMIT_SLOW: Final = 0.25
LAYER_SLOW: Final = 0.1
OUTBOX_KEPT_TOO_LONG: Final = KEEP.total_seconds() + 120
"""Rows older than this are not pruned any more, and pruning is background work."""

LAYER_SILENT: Final = PROVE_SECONDS + PROVE_WITHIN_SECONDS + 3
"""A process says something through the layer itself before it has been silent for so long."""

OUTBOX_UNREAD: Final = 4 * CATCH_UP_SECONDS
BEAT_SLOW: Final = 15.0
ROUND_SLOW: Final = 5.0
"""A round of the background work that takes longer makes offers run out late."""


class State(StrEnum):
    """How a step is; the worst of several is the last in ``SEVERITY``."""

    IDLE = "idle"
    OK = "ok"
    SLOW = "slow"
    FAILING = "failing"


SEVERITY: Final = (State.IDLE, State.OK, State.SLOW, State.FAILING)
ICONS: Final = {
    State.IDLE: "circle-dashed",
    State.OK: "circle-check",
    State.SLOW: "clock-alert",
    State.FAILING: "octagon-x",
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a step, ready to print."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Process:
    """A background process, ready to print."""

    name: str
    kind: str
    state: State
    icon: str
    word: str
    seen: str
    longest: str
    done: str
    up: str
    error: str


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of the path: its state, its figures, what it means, and what to check when it does not work."""

    key: str
    title: str
    state: State
    means: str
    figures: Sequence[Figure] = ()
    check: Sequence[str] = ()
    error: str = ""
    processes: Sequence[Process] = ()

    @property
    def icon(self) -> str:
        """The symbol of its state."""
        return ICONS[self.state]

    @property
    def word(self) -> str:
        """The word for its state."""
        return word_of(self.state)


def word_of(state: State) -> str:
    """A state in one word or two."""
    return {
        State.IDLE: _("Not in use"),
        State.OK: _("OK"),
        State.SLOW: _("Slow"),
        State.FAILING: _("Failing"),
    }[state]


def hops(readings: Readings) -> list[Hop]:
    """The steps that the server can ask, in the order in which a change takes them."""
    return [
        database(readings.database, readings.writing),
        outbox(readings.outbox),
        layer(readings.layer, has_redis=readings.has_redis, background=readings.background),
        ear(readings.ear),
        background(readings.background),
    ]


def summary(found: Sequence[Hop]) -> str:
    """All of it in one sentence."""
    failing = [hop.title for hop in found if hop.state == State.FAILING]
    slow = [hop.title for hop in found if hop.state == State.SLOW]
    if failing:
        return _("Failing: %(names)s.") % {"names": ", ".join(failing)}
    if slow:
        return _("Slow: %(names)s.") % {"names": ", ".join(slow)}
    return _("Every step that the server can ask works.")


# --- the steps -------------------------------------------------------------------------------------------


def database(reach: Asked[Reach], writing: Asked[float]) -> Hop:
    """The database: a connection, a question, and a transaction that leaves nothing behind."""
    figures = []
    state = State.OK
    if reach.value is not None:
        figures += [
            Figure(_("connect"), milliseconds(reach.value.connect)),
            Figure(_("read"), milliseconds(reach.value.read)),
        ]
        if reach.value.connect > CONNECT_SLOW or reach.value.read > READ_SLOW:
            state = State.SLOW
    else:
        state = State.FAILING
    if writing.value is not None:
        figures.append(Figure(_("write and commit"), milliseconds(writing.value)))
        state = worst(state, State.SLOW if writing.value > COMMIT_SLOW else State.OK)
    else:
        state = State.FAILING
    return Hop(
        "database",
        _("Database"),
        state,
        _("Every action is a transaction here. While it is slow, every click is; while it fails, nothing can be done."),
        figures,
        []
        if state == State.OK
        else [
            _("Is the database server running, and does DATABASE_URL lead to it?"),
            _("Does something hold a lock or a long transaction? Actions wait for LOCK_TIMEOUT seconds, then give up."),
            _("Are the connections used up? DATABASE_POOL_SIZE times the processes must fit into its max_connections."),
            _("Is its disk full or slow? Reading is quick and committing is not: then it is the disk."),
        ],
        why(reach) or why(writing),
    )


def outbox(asked: Asked[Outbox]) -> Hop:
    """The outbox: announcements that every process finds again if nothing else brought them."""
    means = _("Each action leaves what it announces here. What the channel layer loses is found here seconds later.")
    if asked.value is None:
        return Hop(
            "outbox", _("Outbox"), State.FAILING, means, (), [_("Ask the database first: it lies there.")], why(asked)
        )
    found = asked.value
    figures = [Figure(_("rows kept"), number_format(found.rows, force_grouping=True))]
    if found.newest is not None:
        figures.append(Figure(_("newest"), ago(found.newest)))
    if found.oldest is not None:
        figures.append(Figure(_("oldest"), ago(found.oldest)))
    if found.behind is not None:
        figures.append(Figure(_("not yet delivered here"), number_format(found.behind, force_grouping=True)))
    check = []
    if found.behind and found.behind_for > OUTBOX_UNREAD:
        check.append(
            _("This process is %(time)s behind: it does not read the outbox, or not fast enough. Look into its log.")
            % {"time": duration(found.behind_for)}
        )
    if found.oldest is not None and found.oldest > OUTBOX_KEPT_TOO_LONG:
        check.append(_("Rows are kept longer than they should be: the background work prunes them. Is it running?"))
    return Hop("outbox", _("Outbox"), State.SLOW if check else State.OK, means, figures, check)


def layer(asked: Asked[float], *, has_redis: bool, background: Asked[tuple[Beat, ...]]) -> Hop:
    """The channel layer: a message of this process, sent and received again."""
    title = _("Channel layer (Redis)") if has_redis else _("Channel layer (in memory)")
    means = (
        _("Carries a change to every process at once. While it fails, changes still arrive, up to %(seconds)d s later.")
        % {"seconds": CATCH_UP_SECONDS}
        if has_redis
        else _("Carries a change within this process only. More than one process needs Redis (REDIS_URL).")
    )
    if asked.value is None:
        check = [
            _("Is Redis running, and does REDIS_URL lead to it from this machine?"),
            _("Is it out of memory, or standing still? Ask it: redis-cli ping."),
            _("It heals by itself once Redis answers; no restart is needed."),
        ]
        if not has_redis:
            check = [_("It lives in this process: restart the server, and look into its log.")]
        return Hop("layer", title, State.FAILING, means, (), check, why(asked))
    figures = [Figure(_("there and back"), milliseconds(asked.value))]
    alive = [beat for beat in background.value or () if beat.age <= SILENT_SECONDS]
    if not has_redis and (len(alive) > 1 or any(beat.kind == WORK for beat in alive)):
        check = [
            _("Several processes run without Redis: each hears the others only through the outbox. Set REDIS_URL."),
        ]
        return Hop("layer", title, State.SLOW, means, figures, check)
    if asked.value > LAYER_SLOW:
        check = [
            _("Is the machine of this process busy? The answer waits for its event loop as well."),
            _("Is Redis busy or far away? Measure it: redis-cli --latency.") if has_redis else "",
        ]
        return Hop("layer", title, State.SLOW, means, figures, [line for line in check if line])
    return Hop("layer", title, State.OK, means, figures)


def ear(found: Ear) -> Hop:
    """This server process: which way announcements reach its sockets."""
    means = _(
        "Hands each change to the sockets that are open at this process, and reads the outbox every %(seconds)d s."
    ) % {"seconds": CATCH_UP_SECONDS}
    figures = [
        Figure(_("process"), found.process),
        Figure(_("sockets"), number_format(found.sockets, force_grouping=True)),
        Figure(_("through the layer"), number_format(found.by_layer, force_grouping=True)),
        Figure(_("through the outbox"), number_format(found.by_outbox, force_grouping=True)),
    ]
    if found.layer is not None:
        figures.append(Figure(_("layer heard"), ago(found.layer)))
    if found.outbox is not None:
        figures.append(Figure(_("outbox read"), ago(found.outbox)))
    state, check = State.OK, []
    if not found.is_listening:
        state = State.IDLE
        check = [_("No page is open at the process that answered this time, so it has nobody to tell.")]
    elif found.outbox is not None and found.outbox > OUTBOX_UNREAD:
        state = State.FAILING
        check = [
            _("It cannot read the outbox. Ask the database first; the log of this process says more."),
        ]
    elif found.layer is not None and found.layer > LAYER_SILENT:
        state = State.SLOW
        check = [_("The channel layer brings this process nothing, so changes are seconds late. Ask the layer first.")]
    return Hop("process", _("This server process"), state, means, figures, check)


def background(asked: Asked[tuple[Beat, ...]]) -> Hop:
    """The background work: at least one process that says it lives, and whose rounds succeed."""
    title = _("Background work")
    means = _("Lets offers run out, ends wrap-ups, closes what nobody answers, and clears up. One process is enough.")
    start = [
        _("With one server process, manage.py serve does it itself, unless BACKGROUND_IN_WEB says no."),
        _("With several (REDIS_URL is set), one manage.py work must run beside them. What does its log say?"),
    ]
    if asked.value is None:
        return Hop(
            "background", title, State.FAILING, means, (), [_("Ask the database first: it lies there.")], why(asked)
        )
    if not asked.value:
        return Hop("background", title, State.FAILING, means, (), [_("No process does it."), *start])
    processes = [process(beat) for beat in asked.value]
    best = min((one.state for one in processes), key=SEVERITY.index)
    check = []
    if best == State.FAILING:
        check = [
            _("Every process that did it is silent or fails: the last sign of life was %(ago)s.")
            % {"ago": ago(min(beat.age for beat in asked.value))},
            *start,
        ]
    elif best == State.SLOW:
        check = [_("Rounds take long or come late. Ask the database first; then look at the machine's load.")]
    figures = [Figure(_("last sign of life"), ago(min(beat.age for beat in asked.value)))]
    return Hop("background", title, best, means, figures, check, "", processes)


def process(beat: Beat) -> Process:
    """One background process."""
    state = State.OK
    if beat.error or beat.age > SILENT_SECONDS:
        state = State.FAILING
    elif beat.age > BEAT_SLOW or beat.longest > ROUND_SLOW:
        state = State.SLOW
    return Process(
        name=beat.process,
        kind=_("background only") if beat.kind == WORK else _("server"),
        state=state,
        icon=ICONS[state],
        word=_("Silent") if beat.age > SILENT_SECONDS else word_of(state),
        seen=ago(beat.age),
        longest=milliseconds(beat.longest),
        done=ngettext("%(number)d done", "%(number)d done", beat.done) % {"number": beat.done},
        up=duration(beat.up),
        error=beat.error,
    )


# --- words -----------------------------------------------------------------------------------------------


def worst(*states: State) -> State:
    """The most serious of several states."""
    return max(states, key=SEVERITY.index)


def why(asked: Asked[T]) -> str:
    """Why there was no answer; empty where there was one."""
    if asked.is_late:
        return _("No answer within %(seconds)d s.") % {"seconds": WITHIN_SECONDS}
    return asked.error


def milliseconds(seconds: float) -> str:
    """A short time: one decimal under ten milliseconds."""
    number = seconds * 1000
    if number < 0.1:
        return _("< 0.1 ms")
    return _("%(number)s ms") % {"number": f"{number:.1f}" if number < 10 else f"{number:.0f}"}


def duration(seconds: float) -> str:
    """A longer time, to the largest unit that fits."""
    if seconds < 120:
        return _("%(number)d s") % {"number": seconds}
    if seconds < 7200:
        return _("%(number)d min") % {"number": seconds // 60}
    return _("%(number)d h") % {"number": seconds // 3600}


def ago(seconds: float) -> str:
    """How long ago something was."""
    if seconds < 1:
        return _("now")
    return _("%(time)s ago") % {"time": duration(seconds)}
