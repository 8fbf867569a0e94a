"""Which views of the report are measured, and what would the same page be in SQL written by hand?

The bare page asks what the page shows, and nothing else, the way somebody would write it who knows the tables: one
statement each for the list, the counters, the closed ones, the lane, the offers and the onlookers of the listed ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ONGOING = "c.closed_at IS NULL AND c.channel <> 'record'"
SHOWN_AGENT = "CASE WHEN c.agent_id IS NOT NULL THEN c.agent_id WHEN c.state = 'waiting' THEN c.last_agent_id END"
WAITING_SINCE = (
    "CASE WHEN c.accepted_at IS NULL THEN c.first_wait_started_at WHEN c.state = 'open' THEN c.state_changed_at END"
)
DEFAULT_ORDER = (
    "CASE WHEN c.state = 'open' THEN 0 ELSE 1 END, "
    f"CASE WHEN c.state = 'open' THEN {WAITING_SINCE} ELSE c.state_changed_at END, c.id"
)
STATUS_PLACE = (
    "CASE WHEN c.state = 'open' THEN 0 WHEN c.state = 'active' AND c.reason IN ('AwaitingAgentAcceptance', "
    "'AssignedBySupervisor') THEN 1 WHEN c.state = 'active' THEN 2 WHEN c.state = 'waiting' THEN 3 ELSE 4 END"
)
CHANNEL_PLACE = (
    "CASE c.channel WHEN 'async_messaging' THEN 0 WHEN 'live_chat' THEN 1 WHEN 'persistent_chat' THEN 2 "
    "WHEN 'sms' THEN 4 WHEN 'voice' THEN 5 ELSE 6 END"
)
AGENT_NAME = "lower(coalesce(nullif(u.first_name || ' ' || u.last_name, ' '), u.username))"
SORTS: Mapping[str, str] = {
    "subject": "lower(c.subject)",
    "customer": "lower(k.name)",
    "channel": CHANNEL_PLACE,
    "status": STATUS_PLACE,
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


@dataclass(frozen=True, slots=True)
class View:
    """A view by its address, and the same in SQL: what restricts it beside being ongoing, its order, its page."""

    name: str
    query: str
    where: str = ""
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
        View("agent", f"agent={agent}", f"{SHOWN_AGENT} = {agent}"),
        View("agent: nobody", "agent=none", f"({SHOWN_AGENT}) IS NULL"),
        View("channel", "channel=sms", "c.channel = 'sms'"),
        *(
            View(f"status {name}", f"status={name}", f"{STATUS_PLACE} = {place}")
            for place, name in enumerate(("open", "offered", "active", "waiting", "wrap_up"))
        ),
        View("sentiment", "sentiment=9", "c.sentiment = 9"),
        View(
            "queue, status, channel",
            f"queue={queue}&status=active&channel=sms",
            f"c.queue_id = {queue} AND c.state = 'active' AND c.channel = 'sms'",
        ),
        View("search, rare", "q=777", _mentions("777")),
        View("search, common", "q=Refund", _mentions("refund")),
        View("search, two words", "q=maja+refund", f"{_mentions('maja')} AND {_mentions('refund')}"),
    ]
    for key, value in SORTS.items():
        found.append(View(f"sort {key}", f"sort={key}", order=f"{value} ASC NULLS LAST"))
        found.append(View(f"sort -{key}", f"sort=-{key}", order=f"{value} DESC NULLS LAST"))
    return found


def _mentions(word: str) -> str:
    """A word that begins with this, in subject, customer or agent."""
    return " OR ".join(
        f"' ' || lower({column}) LIKE '% {word}%'" for column in ("c.subject", "k.name", "u.first_name", "u.last_name")
    ).join("()")


def bare_page(view: View, vendor: str, settings: Any) -> list[str]:
    """The statements of the page, in SQL written by hand; ``{ids}`` in the last two are the ids of the first."""
    lengths = _lengths(vendor)
    where = f"{ONGOING}{f' AND {view.where}' if view.where else ''}"
    window = f" AND c.created_at >= {_ago(vendor, view.hours * 3600)}" if view.hours is not None else ""
    inside = f"c.created_at >= {_ago(vendor, view.hours * 3600)}" if view.hours is not None else "1 = 1"
    order = f"{view.order.format(**lengths)}, {DEFAULT_ORDER}" if view.order else DEFAULT_ORDER
    joins = (
        "conversations_conversation c JOIN conversations_customer k ON k.id = c.customer_id "
        "JOIN routing_queue q ON q.id = c.queue_id JOIN routing_workstream w ON w.id = c.workstream_id "
        f"LEFT JOIN routing_agent a ON a.id = {SHOWN_AGENT} LEFT JOIN routing_user u ON u.id = a.user_id "
        "LEFT JOIN routing_presence p ON p.id = a.presence_id"
    )
    searched = joins if "k.name" in view.where else "conversations_conversation c"
    late = _ago(vendor, 300)
    closed = where.replace("closed_at IS NULL", "closed_at IS NOT NULL").replace("'waiting'", "'closed'")
    return [
        (
            f"SELECT c.*, k.name, q.name, w.name, a.id, u.first_name, u.last_name, u.username, p.code FROM {joins} "
            f"WHERE {where}{window} ORDER BY {order} LIMIT 50 OFFSET {(view.page - 1) * 50}"
        ),
        (
            f"SELECT c.queue_id, {STATUS_PLACE}, {inside}, count(*), sum(CASE WHEN c.sentiment IN (7, 8, 9) THEN 1 "
            f"ELSE 0 END), min({WAITING_SINCE}), min(CASE WHEN c.direction = 'inbound' THEN {WAITING_SINCE} END) "
            f"FROM {searched} WHERE {_without_status(view, where)} GROUP BY 1, 2, 3"
        ),
        f"SELECT count(*) FROM {searched} WHERE {_without_status(view, closed)}{window}",
        (
            "SELECT c.id, c.subject, k.name, c.queue_id, count(*) OVER () FROM conversations_conversation c "
            "JOIN conversations_customer k ON k.id = c.customer_id LEFT JOIN routing_agent a ON a.id = c.agent_id "
            "LEFT JOIN routing_presence p ON p.id = a.presence_id WHERE c.closed_at IS NULL AND ("
            "c.id IN (SELECT conversation_id FROM conversations_finding WHERE is_confirmed) "
            "OR (c.reason = 'InConversation' AND p.base = 'offline') "
            f"OR (c.state = 'open' AND (c.unassignable_since IS NOT NULL OR {WAITING_SINCE} <= {late} OR EXISTS ("
            "SELECT 1 FROM conversations_offer o WHERE o.conversation_id = c.id AND o.status IN "
            "('rejected', 'timed_out') "
            "AND o.settled_at >= c.state_changed_at))) OR (c.reason = 'InConversation' AND "
            f"(c.unanswered_since <= {_ago(vendor, settings.silent_after)} OR c.sentiment BETWEEN 7 AND "
            f"{settings.sentiment_alert}))) ORDER BY c.state <> 'open', c.state_changed_at LIMIT 8"
        ),
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


def _without_status(view: View, where: str) -> str:
    """The counters obey every filter but the status."""
    if not view.name.startswith("status"):
        return where.replace(" AND c.state = 'active'", "")
    return where.partition(f" AND {STATUS_PLACE}")[0]


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
