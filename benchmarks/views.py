"""Which views of the report are measured, and what would the same page be in SQL written by hand?

The bare page asks what the page shows, and nothing else, the way somebody would write it who knows the tables: one
statement each for the list, the counters, the waits, the closed ones, the lane, the offers and the onlookers of the
listed ones, each led to the index that is there for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ONGOING = "c.closed_at IS NULL AND NOT (c.channel = 'record')"
"""In the words of the partial indexes: SQLite knows them by nothing else."""

COUNTED = "c.status_place < 5"
"""What the indexes for counters say beside that; the closed ones have an index without it."""

WAITING_SINCE = (
    "CASE WHEN c.standing = 0 THEN c.standing_since WHEN c.accepted_at IS NULL THEN c.first_wait_started_at END"
)
DEFAULT_ORDER = "c.standing, c.standing_since, c.id"
CHANNEL_PLACE = (
    "CASE c.channel WHEN 'async_messaging' THEN 0 WHEN 'live_chat' THEN 1 WHEN 'persistent_chat' THEN 2 "
    "WHEN 'sms' THEN 4 WHEN 'voice' THEN 5 ELSE 6 END"
)
AGENT_NAME = "lower(coalesce(nullif(u.first_name || ' ' || u.last_name, ' '), u.username))"
SORTS: Mapping[str, str] = {
    "subject": "lower(c.subject)",
    "customer": "lower(k.name)",
    "channel": CHANNEL_PLACE,
    "status": "c.status_place",
    "agent": AGENT_NAME,
    "queue": "lower(q.name)",
    "wait": "{wait}",
    "handle": "{handle}",
    "sentiment": "nullif(c.sentiment, 0)",
    "created": "c.created_at",
    "workstream": "lower(w.name)",
    "state_since": "{state_since}",
    "unanswered": "{unanswered}",
    "activity": "c.last_activity_at",
    "transfers": "c.transfer_count",
    "priority": "c.priority",
}
"""How each column is sorted by hand; the lengths of time are written differently by each database."""

OF_ANY_CHANNEL = "c.channel IN ('async_messaging', 'live_chat', 'persistent_chat', 'sms', 'voice', 'whatsapp')"
"""Leads SQLite to the index for counters of which nothing else is said."""

JOINS: Mapping[str, str] = {
    "k": "JOIN conversations_customer k ON k.id = c.customer_id",
    "q": "JOIN routing_queue q ON q.id = c.queue_id",
    "w": "JOIN routing_workstream w ON w.id = c.workstream_id",
    "u": "LEFT JOIN routing_agent a ON a.id = c.holder LEFT JOIN routing_user u ON u.id = a.user_id",
    "p": "LEFT JOIN routing_presence p ON p.id = a.presence_id",
}
"""What may stand beside a conversation, by its name in the statements."""

MOST = 10_000
"""Of more closed ones the page says only that they are more."""


@dataclass(frozen=True, slots=True)
class View:
    """A view by its address, and the same in SQL: what restricts it beside being ongoing, what it looks for, its order,
    its page."""

    name: str
    query: str
    where: str = ""
    words: tuple[str, ...] = ()
    order: str = ""
    page: int = 1
    hours: int | None = 24


def views(queue: int, agent: int) -> list[View]:
    """First page, deep page, each filter, searches, and each sort both ways."""
    found = [
        View("first page", ""),
        View("page 13", "page=13", page=13),
        View("window 2 h", "window=2h", hours=2),
        View("window 3 d", "window=3d", hours=72),
        View("window all", "window=all", hours=None),
        View("queue", f"queue={queue}", f"c.queue_id = {queue}"),
        View("agent", f"agent={agent}", f"c.holder = {agent}"),
        View("agent: nobody", "agent=none", "c.holder IS NULL"),
        View("channel", "channel=sms", "c.channel = 'sms'"),
        *(
            View(f"status {name}", f"status={name}", f"c.status_place = {place}")
            for place, name in enumerate(("open", "offered", "active", "waiting", "wrap_up"))
        ),
        View("sentiment", "sentiment=9", "c.sentiment = 9"),
        View(
            "queue, status, channel",
            f"queue={queue}&status=active&channel=sms",
            f"c.queue_id = {queue} AND c.status_place = 2 AND c.channel = 'sms'",
        ),
        View("search, rare", "q=777", words=("777",)),
        View("search, common", "q=Refund", words=("refund",)),
        View("search, two words", "q=maja+refund", words=("maja", "refund")),
    ]
    for key, value in SORTS.items():
        found.append(View(f"sort {key}", f"sort={key}", order=f"{value} ASC NULLS LAST"))
        found.append(View(f"sort -{key}", f"sort=-{key}", order=f"{value} DESC NULLS LAST"))
    return found


def bare_page(view: View, vendor: str, settings: Any) -> list[str]:
    """The statements of the page, in SQL written by hand; ``{ids}`` in the last two are the ids of the first.

    A ``+`` at a column tells SQLite that this one is no way to the rows: another index is shorter, or holds all.
    """
    mentioned = (_mentions(word, vendor) for word in view.words)
    where = " AND ".join([ONGOING, *([view.where] if view.where else []), *mentioned])
    inside = f"c.created_at >= {_ago(vendor, view.hours * 3600)}" if view.hours is not None else "1 = 1"
    order = f"{view.order.format(**_lengths(vendor))}, {DEFAULT_ORDER}" if view.order else DEFAULT_ORDER
    of_any_status = re.sub(r" AND c\.status_place = \d", "", where)
    closed = of_any_status.replace("closed_at IS NULL", "closed_at IS NOT NULL").replace("c.queue_id", "+c.queue_id")
    begun = inside if view.hours is not None else "c.created_at > '2000-01-01'"
    is_led = any(f"c.{column} =" in view.where for column in ("queue_id", "channel", "sentiment", "holder"))
    return [
        (
            "SELECT c.*, k.name, q.name, w.name, a.id, u.first_name, u.last_name, u.username, p.code FROM (SELECT c.id "
            f"FROM {_joined(f'{where} {order}')} WHERE {where} AND {inside} ORDER BY {order} LIMIT 50 "
            f"OFFSET {(view.page - 1) * 50}) AS page JOIN {_joined('k. q. w. u. p.', ' ON c.id = page.id')} "
            f"ORDER BY {order}"
        ),
        (
            f"SELECT c.status_place + 0, {inside}, count(*), sum(CASE WHEN c.sentiment IN (7, 8, 9) THEN 1 ELSE 0 END) "
            f"FROM {_joined(where)} WHERE {of_any_status} AND {COUNTED}{'' if is_led else f' AND {OF_ANY_CHANNEL}'} "
            "GROUP BY 1, 2"
        ),
        (
            "SELECT c.queue_id + 0, min(CASE WHEN c.standing = 0 THEN c.standing_since END), "
            f"min(CASE WHEN c.direction = 'inbound' THEN {WAITING_SINCE} END) FROM {_joined(where)} "
            f"WHERE {of_any_status} AND {inside} AND c.status_place IN (0, 1) GROUP BY 1"
        ),
        f"SELECT count(*) FROM (SELECT 1 FROM {_joined(where)} WHERE {closed} AND {begun} LIMIT {MOST + 1}) AS counted",
        _lane(vendor, settings),
        (
            "SELECT o.*, u.first_name, u.last_name, u.username FROM conversations_offer o JOIN routing_agent a "
            "ON a.id = o.agent_id JOIN routing_user u ON u.id = a.user_id WHERE o.id IN (SELECT max(id) FROM "
            "conversations_offer WHERE conversation_id IN ({ids}) GROUP BY conversation_id)"
        ),
        (
            "SELECT * FROM conversations_participant WHERE left_at IS NULL AND assign_reason IN ('AgentMonitor', "
            "'AgentConversationJoin') AND conversation_id IN ({ids})"
        ),
    ]


def _mentions(word: str, vendor: str) -> str:
    """These letters, in subject, customer or agent; whom they name is found first, not joined to each conversation.

    In the words of PostgreSQL's indexes for parts of words; SQLite has a table of them, and sees no case.
    """

    def has(column: str) -> str:
        return f"upper({column}) LIKE '%{word.upper()}%'" if vendor == "postgresql" else f"{column} LIKE '%{word}%'"

    customers = f"SELECT id FROM conversations_customer WHERE {has('name')}"
    if vendor == "sqlite":
        customers = f"SELECT rowid FROM conversations_parts_name WHERE text MATCH '\"{word}\"'"
    agents = (
        "SELECT named.id FROM routing_agent named JOIN routing_user person ON person.id = named.user_id "
        f"WHERE {has('person.first_name')} OR {has('person.last_name')}"
    )
    return f"({has('c.subject')} OR c.customer_id IN ({customers}) OR c.holder IN ({agents}))"


def _joined(said: str, also: str = "") -> str:
    """The conversations, and what a text names beside them; ``also`` joins them to something that stands before."""
    joins = (join for alias, join in JOINS.items() if re.search(rf"\b{alias}\.", said))
    return " ".join([f"conversations_conversation c{also}", *joins])


def _lane(vendor: str, settings: Any) -> str:
    """What needs a supervisor: of each need the first hundred along an index, then the eight most urgent ones."""
    rejected = (
        "EXISTS (SELECT 1 FROM conversations_offer o WHERE o.conversation_id = c.id AND o.status IN "
        "('rejected', 'timed_out') AND o.settled_at >= c.state_changed_at)"
    )
    offline = (
        "SELECT a.id FROM routing_agent a JOIN routing_presence p ON p.id = a.presence_id WHERE p.base = 'offline'"
    )
    needs = (
        ("c.id IN (SELECT conversation_id FROM conversations_finding WHERE is_confirmed)", "c.state_changed_at"),
        (f"c.holds_capacity AND c.status_place = 2 AND c.agent_id IN ({offline})", "c.state_changed_at"),
        ("c.standing = 0 AND c.unassignable_since IS NOT NULL", "c.unassignable_since"),
        (f"c.standing = 0 AND {rejected}", "c.state_changed_at"),
        (f"c.standing = 0 AND c.standing_since <= {_ago(vendor, 300)}", "c.standing_since"),
        (f"c.status_place = 2 AND c.unanswered_since <= {_ago(vendor, settings.silent_after)}", "c.unanswered_since"),
        (
            f"c.status_place = 2 AND c.sentiment IN (7, 8, 9) AND c.sentiment <= {settings.sentiment_alert}",
            "coalesce(c.sentiment_since, c.state_changed_at)",
        ),
    )
    arms = " UNION ALL ".join(
        f"SELECT * FROM (SELECT c.id, {place} AS need, {since} AS since FROM conversations_conversation c "
        f"WHERE c.closed_at IS NULL AND {where} ORDER BY {since}, c.id LIMIT 100) AS need{place}"
        for place, (where, since) in enumerate(needs)
    )
    return (
        "SELECT c.id, c.subject, k.name, c.queue_id, lane.need, lane.since, lane.number FROM (SELECT id, min(need) AS "
        f"need, min(since) AS since, count(*) OVER () AS number FROM ({arms}) AS arms GROUP BY id ORDER BY 2, 3 LIMIT "
        f"8) AS lane JOIN {_joined('k.', ' ON c.id = lane.id')} ORDER BY lane.need, lane.since"
    )


def _ago(vendor: str, seconds: int) -> str:
    if vendor == "postgresql":
        return f"now() - interval '{seconds} seconds'"
    return f"strftime('%Y-%m-%d %H:%M:%f', 'now', '-{seconds} seconds')"


def _lengths(vendor: str) -> Mapping[str, str]:
    """Wait, handle time, time in status and time unanswered, as this database computes them."""
    if vendor == "postgresql":
        now, minus = "now()", "{} - {}"
        handled = "coalesce({now} - c.handling_since, c.handled)"
    else:
        now, minus = "julianday('now')", "julianday({}) - julianday({})"
        handled = "coalesce({now} - julianday(c.handling_since), c.handled / 86400e6)"
    moment = now if vendor == "postgresql" else "'now'"
    is_back = "c.state = 'open' AND c.accepted_at IS NOT NULL"
    begun = f"CASE WHEN {is_back} THEN c.state_changed_at ELSE c.first_wait_started_at END"
    ended = f"CASE WHEN c.state = 'open' THEN {moment} ELSE coalesce(c.accepted_at, {moment}) END"
    return {
        "wait": minus.format(ended, begun),
        "handle": handled.format(now=now),
        "state_since": minus.format(moment, "c.state_changed_at"),
        "unanswered": minus.format(moment, "c.unanswered_since"),
    }
