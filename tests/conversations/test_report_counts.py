"""Do the counters say what somebody finds who looks at every conversation, whatever is filtered?"""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product

import pytest

from conversations.models import Conversation, Direction, Sentiment, State
from conversations.reports import counts
from conversations.reports.counts import UNHAPPY, Counts, Longest
from conversations.reports.durations import Clock, queue_wait, waiting_since
from conversations.reports.filters import Filter, Status
from conversations.reports.params import Params
from conversations.reports.rows import status_of
from conversations.reports.scope import EVERYTHING
from conversations.services import closure
from routing.models import Channel, Queue
from tests.cast import Floor, actor_of, at

pytestmark = pytest.mark.django_db

NOW = at(600)


def varied(floor: Floor) -> None:
    """Conversations of every state, some of them back in the queue, of nobody, old, unhappy, or not of the customer."""
    for by in (floor.ana, floor.boris):
        floor.start()
        floor.start(Channel.VOICE)
        floor.offered()
        floor.active(by=by)
        floor.waiting()
        floor.wrap_up()
        floor.closed()
        closure.close_session(actor_of(by), floor.active(by=by).pk, now=at(500))
    lone = floor.waiting()
    Conversation.objects.filter(pk=lone.pk).update(last_agent=None, sentiment=Sentiment.NEGATIVE)
    Conversation.objects.filter(pk=floor.start().pk).update(direction=Direction.OUTBOUND)
    steps = [step.value for step in Sentiment]
    for place, one in enumerate(Conversation.objects.order_by("pk")):
        Conversation.objects.filter(pk=one.pk).update(
            sentiment=steps[place % len(steps)] if place % 3 else Sentiment.NEGATIVE,
            created_at=NOW - timedelta(hours=30 if place % 5 == 0 else 1),
            subject="Refund",
            state_changed_at=one.state_changed_at - timedelta(seconds=place),  # No two waits are alike.
            first_wait_started_at=one.first_wait_started_at and one.first_wait_started_at - timedelta(seconds=place),
        )


def looked_at(filter_: Filter, queues: dict[int, Queue]) -> Counts:
    """The same, by looking at each."""
    start = filter_.window.start(NOW)
    rows = [
        one
        for one in Conversation.objects.exclude(channel=Channel.RECORD)
        if (not filter_.queues or one.queue_id in filter_.queues)
        and (not filter_.channels or one.channel in filter_.channels)
        and (not filter_.sentiments or one.sentiment in filter_.sentiments)
        and (
            not (filter_.agents or filter_.unassigned)
            or (filter_.unassigned if one.holder is None else one.holder in filter_.agents)
        )
    ]
    inside = [one for one in rows if start is None or one.created_at >= start]
    going = [one for one in inside if one.closed_at is None]
    waits = [(since, one) for one in going if (since := waiting_since(one)) is not None]
    opened = [(since, one) for since, one in waits if one.state == State.OPEN]

    def clock(one: Conversation, since: datetime) -> Clock:
        return queue_wait(since, one.queue.wait_warning_seconds, one.queue.wait_critical_seconds, NOW)

    def longest(found: list[tuple[datetime, Conversation]]) -> Longest | None:
        since, one = min(found, key=lambda wait: wait[0], default=(NOW, None))
        return Longest(clock(one, since), one.queue.name) if one is not None else None

    return Counts(
        by_status={status: sum(status_of(one)[0] == status for one in going) for status in Status},
        closed=len(inside) - len(going),
        older=sum(one.closed_at is None for one in rows) - len(going),
        oldest_open=longest(opened),
        longest=longest([wait for wait in waits if wait[1].direction == Direction.INBOUND]),
        worst_open=max((clock(one, since).band for since, one in opened), key=["", "warn", "urgent"].index, default=""),
        unhappy=sum(one.sentiment in UNHAPPY for one in going),
    )


@pytest.mark.parametrize("few_agents", [counts.FEW_AGENTS, 0])
def test_the_counters_are_what_one_finds_who_looks_at_each(
    floor: Floor, monkeypatch: pytest.MonkeyPatch, few_agents: int
) -> None:
    monkeypatch.setattr(counts, "FEW_AGENTS", few_agents)
    most = counts.LIMIT - few_agents  # Statements are kept, by this too.
    varied(floor)
    queues = {queue.pk: queue for queue in Queue.objects.all()}
    ana = str(floor.ana.pk)
    asked = product(
        ([], ["none"], [ana], ["none", ana]),
        ([], [str(floor.calls.pk)], [str(pk) for pk in queues]),
        ([], ["live_chat", "persistent_chat"]),
        ([], ["8", "9"]),
        (["24h"], ["all"]),
    )
    seen = 0
    for place, (agent, queue, channel, sentiment, window) in enumerate(asked):
        values = {"agent": agent, "queue": queue, "channel": channel, "sentiment": sentiment, "window": window}
        filter_ = Filter.parse(Params(values))
        found = counts.count(EVERYTHING, filter_, queues, NOW, most)
        assert found == looked_at(filter_, queues), values
        if place % 5 == 0:  # They all mention it.
            searched = counts.count(EVERYTHING, replace(filter_, search="refund"), queues, NOW, most)
            assert replace(searched, found=None) == found, values
            assert searched.found is not None
            assert {status: len(ids) for status, ids in searched.found.items()} == found.by_status, values
        seen += found.ongoing > 0
    assert seen > 50, "most of them find some"
