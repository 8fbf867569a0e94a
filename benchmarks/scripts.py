"""What each action writes, as a script for pgbench: the same rows locked, read and written, in SQL by hand.

No rule is checked and nothing is announced: this is what the effect alone costs. Read is only what the effect depends
on: what the agent holds, their presence, and who is in the conversation. ``:c`` is the conversation, ``:a`` the agent who
gets it or has it and ``:u`` their user, ``:o`` the offer, ``:q`` a queue. The benchmark holds each script to this: it writes
as many rows into every table as its action does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

TARGET = """\
SELECT conversation_id AS c, agent_id AS a, user_id AS u, offer_id AS o FROM bench_{name} WHERE id = (SELECT nextval('bench_{name}_next')) \\gset
"""
BEGIN = """\
BEGIN;
SELECT * FROM conversations_conversation WHERE id = :c FOR NO KEY UPDATE;
"""
LOCK_AGENT = "SELECT presence_id = (SELECT id FROM routing_presence WHERE code = 'available') AS available FROM routing_agent WHERE id = :a FOR NO KEY UPDATE \\gset\n"
LOAD = """\
SELECT sum(units), count(*) FROM conversations_conversation WHERE closed_at IS NULL AND holds_capacity AND agent_id = :a;
SELECT sum(c.units) FROM conversations_offer o JOIN conversations_conversation c ON c.id = o.conversation_id WHERE o.agent_id = :a AND o.status = 'pending' AND o.kind = 'transfer';
"""
PRESENCE = """\
\\if :available
UPDATE routing_presencechange SET ended_at = now() WHERE agent_id = :a AND ended_at IS NULL;
INSERT INTO routing_presencechange (agent_id, presence_id, started_at, set_by, set_after) VALUES (:a, (SELECT id FROM routing_presence WHERE code = 'busy'), now(), 'system', '');
UPDATE routing_agent SET presence_id = (SELECT id FROM routing_presence WHERE code = 'busy'), presence_since = now(), presence_set_by = 'system' WHERE id = :a;
\\endif
"""
"""Whoever holds something is busy: once, as with the actions."""

OWN_QUEUE = "SELECT queue_id AS q FROM conversations_conversation WHERE id = :c \\gset\n"
OTHER_QUEUE = "SELECT q.id AS q FROM routing_queue q, conversations_conversation c WHERE c.id = :c AND q.id <> c.queue_id AND q.name LIKE 'Queue %' ORDER BY q.id LIMIT 1 \\gset\n"
CLOSE_SESSION = "UPDATE conversations_session SET closed_at = now(), closure_reason = 'AgentRerouted' WHERE conversation_id = :c AND closed_at IS NULL;\n"
END_SEGMENT = "UPDATE conversations_queuesegment SET ended_at = now(), closure_reason = 'SupervisorAssignToQueue' WHERE conversation_id = :c AND ended_at IS NULL;\n"
NEW_SEGMENT = "INSERT INTO conversations_queuesegment (conversation_id, queue_id, started_at, is_abandoned, closure_reason) VALUES (:c, :q, now(), false, '');\n"
LINE = "INSERT INTO conversations_message (conversation_id, sender_kind, sender_name, visibility, text, code, params, client_key, created_at) VALUES (:c, 'system', '', 'internal', '', 'said', '{}', '', now());\n"
ANSWERED = "UPDATE conversations_notice SET read_at = now() WHERE user_id = :u AND conversation_id = :c AND code IN ('assigned', 'offered') AND read_at IS NULL;\n"
INSIDE = "SELECT user_id FROM conversations_participant WHERE conversation_id = :c AND left_at IS NULL;\n"
END = """\
INSERT INTO conversations_historyentry (conversation_id, code, at, actor_kind, actor_name, version, from_state, to_state, reason, data) VALUES (:c, 'conversation.changed', now(), 'person', 'boss0', 2, 'open', 'active', 'InConversation', '{}');
INSERT INTO supervisor_console_announcement (frames, at) VALUES ('[]', now());
COMMIT;
"""
BOSS = "(SELECT id FROM routing_user WHERE username = 'boss1')"
HOLDER = (
    "(SELECT a.user_id FROM conversations_conversation c JOIN routing_agent a ON a.id = c.agent_id WHERE c.id = :c)"
)


def _row(values: str) -> str:
    return f"UPDATE conversations_conversation SET {values}, version = version + 1, last_activity_at = now() WHERE id = :c;\n"


def _new_session(agent: str, assigned: str) -> str:
    return (
        "INSERT INTO conversations_session (conversation_id, queue_id, agent_id, is_bot_session, created_at, "
        f"agent_assigned_at, closure_reason) VALUES (:c, :q, {agent}, false, now(), {assigned}, '');\n"
    )


def _offer(kind: str) -> str:
    return (
        "INSERT INTO conversations_offer (conversation_id, agent_id, kind, status, note, offered_at, expires_at) VALUES "
        f"(:c, :a, '{kind}', 'pending', '', now(), now() + interval '2 minutes');\n"
    )


def _settle_offer(status: str) -> str:
    return f"UPDATE conversations_offer SET status = '{status}', settled_at = now() WHERE id = :o;\n" + ANSWERED


def _seat(user: str, mode: str, reason: str, joined: str) -> str:
    return (
        "INSERT INTO conversations_participant (conversation_id, user_id, mode, assign_reason, added_at, joined_at, "
        f"left_reason) VALUES (:c, {user}, '{mode}', '{reason}', now(), {joined}, '');\n"
    )


def _leave(reason: str, who: str = "") -> str:
    return (
        f"UPDATE conversations_participant SET left_at = now(), left_reason = '{reason}' WHERE conversation_id = :c "
        f"AND left_at IS NULL{who};\n"
    )


def _notice(user: str) -> str:
    return (
        "INSERT INTO conversations_notice (user_id, conversation_id, code, params, level, created_at) VALUES "
        f"({user}, :c, 'told', '{{}}', 'info', now());\n"
    )


SCRIPTS: Mapping[str, str] = {
    "assign": OWN_QUEUE
    + LOCK_AGENT
    + LOAD
    + CLOSE_SESSION
    + _new_session(":a", "now()")
    + "UPDATE conversations_queuesegment SET agent_assigned_at = now() WHERE conversation_id = :c AND ended_at IS NULL;\n"
    + _leave("moved_on", " AND user_id = :u")
    + _seat(":u", "primary", "SupervisorAssign", "NULL")
    + _offer("supervisor_assign")
    + LINE
    + _row(
        "state = 'active', reason = 'AssignedBySupervisor', state_changed_at = now(), holds_capacity = true, agent_id = :a"
    )
    + PRESENCE
    + _notice(":u")
    + INSIDE,
    "assign to queue": OTHER_QUEUE
    + CLOSE_SESSION
    + END_SEGMENT
    + NEW_SEGMENT
    + _new_session("NULL", "NULL")
    + LINE
    + _row("queue_id = :q, state_changed_at = now()")
    + INSIDE,
    "transfer": LOCK_AGENT
    + LOAD
    + INSIDE
    + _offer("transfer")
    + LINE
    + _row("transfer_count = transfer_count")
    + PRESENCE
    + _notice(HOLDER)
    + _notice(":u"),
    "monitor": _seat(BOSS, "monitor", "AgentMonitor", "now()") + _row("priority = priority"),
    "join": _leave("joined", f" AND user_id = {BOSS}")
    + _seat(BOSS, "consult", "AgentConversationJoin", "now()")
    + LINE
    + LINE
    + _row("priority = priority")
    + INSIDE
    + _notice(":u"),
    "force close": LOCK_AGENT
    + INSIDE
    + LINE
    + CLOSE_SESSION
    + END_SEGMENT
    + _leave("closed")
    + _row(
        "state = 'closed', reason = 'ForceClosedBySupervisor', closed_at = now(), state_changed_at = now(), "
        "last_agent_id = agent_id, agent_id = NULL, holds_capacity = false, handling_since = NULL, unanswered_since = NULL"
    )
    + LOAD
    + PRESENCE
    + _notice(":u"),
    "accept": LOCK_AGENT
    + _settle_offer("accepted")
    + "UPDATE conversations_session SET agent_accepted_at = now() WHERE conversation_id = :c AND closed_at IS NULL;\n"
    + "UPDATE conversations_queuesegment SET agent_accepted_at = now() WHERE conversation_id = :c AND ended_at IS NULL;\n"
    + "UPDATE conversations_participant SET joined_at = now() WHERE conversation_id = :c AND left_at IS NULL AND "
    "mode = 'primary';\n"
    + LINE
    + _row("reason = 'InConversation', accepted_at = now(), handling_since = now(), state_changed_at = now()")
    + LOAD
    + PRESENCE
    + INSIDE,
    "reject": OWN_QUEUE
    + LOCK_AGENT
    + INSIDE
    + _settle_offer("rejected")
    + _leave("rejected", " AND mode = 'primary'")
    + CLOSE_SESSION
    + _new_session("NULL", "NULL")
    + LINE
    + _row(
        "state = 'open', reason = 'AwaitingAgentAssignment', agent_id = NULL, holds_capacity = false, "
        "state_changed_at = now()"
    )
    + LOAD
    + PRESENCE,
}
"""By the name of the action; ``whole`` adds what all of them have in common."""


def whole(name: str) -> str:
    """The script of an action, from taking the next conversation of its list to the commit."""
    return TARGET.format(name=name.replace(" ", "_")) + BEGIN + SCRIPTS[name] + END


def statements(name: str) -> int:
    """The most statements of an action's script, without taking its target, BEGIN and COMMIT, as with the actions."""
    return len(re.findall(r"(;|\\gset)$", BEGIN + SCRIPTS[name] + END, re.MULTILINE)) - 2
