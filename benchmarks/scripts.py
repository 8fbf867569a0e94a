"""What each action writes, as a script for pgbench: the same rows locked, read and written, in SQL by hand.

No rule is checked and nothing is announced: this is what the effect alone costs. ``:c`` is the conversation, ``:a`` the
agent who gets it or has it, ``:o`` the offer.
"""

from __future__ import annotations

from collections.abc import Mapping

BEGIN = """\
SELECT conversation_id AS c, agent_id AS a, user_id AS u, offer_id AS o FROM bench_{name} WHERE id = (SELECT nextval('bench_{name}_next')) \\gset
BEGIN;
SELECT * FROM conversations_conversation WHERE id = :c FOR NO KEY UPDATE;
"""
LOCK_AGENT = "SELECT * FROM routing_agent WHERE id = :a FOR NO KEY UPDATE;\n"
LOAD = """\
SELECT sum(units), count(*) FROM conversations_conversation WHERE closed_at IS NULL AND holds_capacity AND agent_id = :a;
SELECT sum(c.units) FROM conversations_offer o JOIN conversations_conversation c ON c.id = o.conversation_id WHERE o.agent_id = :a AND o.status = 'pending' AND o.kind = 'transfer';
"""
NEW_SESSION = """\
UPDATE conversations_session SET closed_at = now(), closure_reason = 'AgentRerouted' WHERE conversation_id = :c AND closed_at IS NULL;
INSERT INTO conversations_session (conversation_id, queue_id, agent_id, is_bot_session, created_at, agent_assigned_at, closure_reason) VALUES (:c, :q, {agent}, false, now(), {assigned}, '');
"""
SEAT = """\
UPDATE conversations_participant SET left_at = now(), left_reason = 'moved_on' WHERE conversation_id = :c AND left_at IS NULL AND mode = 'primary';
INSERT INTO conversations_participant (conversation_id, user_id, mode, assign_reason, added_at, left_reason) VALUES (:c, :u, 'primary', 'SupervisorAssign', now(), '');
"""
OFFER = "INSERT INTO conversations_offer (conversation_id, agent_id, kind, status, note, offered_at, expires_at) VALUES (:c, :a, '{kind}', 'pending', '', now(), now() + interval '2 minutes');\n"
PRESENCE = """\
UPDATE routing_presencechange SET ended_at = now() WHERE agent_id = :a AND ended_at IS NULL;
INSERT INTO routing_presencechange (agent_id, presence_id, started_at, set_by, set_after) VALUES (:a, (SELECT id FROM routing_presence WHERE code = 'busy'), now(), 'system', '');
UPDATE routing_agent SET presence_since = now() WHERE id = :a;
"""
NOTICE = "INSERT INTO conversations_notice (user_id, conversation_id, code, params, level, created_at) VALUES (:u, :c, 'told', '{{}}', 'info', now());\n"
LINE = "INSERT INTO conversations_message (conversation_id, sender_kind, sender_name, visibility, text, code, params, client_key, created_at) VALUES (:c, 'system', '', 'internal', '', 'said', '{{}}', '', now());\n"
QUEUE = "SELECT queue_id AS q FROM conversations_conversation WHERE id = :c \\gset\n"
END = """\
INSERT INTO conversations_historyentry (conversation_id, code, at, actor_kind, actor_name, version, from_state, to_state, reason, data) VALUES (:c, 'conversation.changed', now(), 'person', 'boss0', 2, 'open', 'active', 'InConversation', '{{}}');
INSERT INTO supervisor_console_announcement (frames, at) VALUES ('[]', now());
COMMIT;
"""


def _row(values: str) -> str:
    return f"UPDATE conversations_conversation SET {values}, version = version + 1, last_activity_at = now() WHERE id = :c;\n"


OFFERED = "state = 'active', state_changed_at = now(), holds_capacity = true"
SCRIPTS: Mapping[str, str] = {
    "assign": QUEUE
    + LOCK_AGENT
    + LOAD
    + NEW_SESSION.format(agent=":a", assigned="now()")
    + SEAT
    + OFFER.format(kind="supervisor_assign")
    + LINE
    + _row(f"{OFFERED}, reason = 'AssignedBySupervisor', agent_id = :a")
    + PRESENCE
    + NOTICE,
    "assign to queue": QUEUE
    + NEW_SESSION.format(agent="NULL", assigned="NULL")
    + "UPDATE conversations_queuesegment SET ended_at = now() WHERE conversation_id = :c AND ended_at IS NULL;\n"
    + "INSERT INTO conversations_queuesegment (conversation_id, queue_id, started_at, is_abandoned, closure_reason) "
    + "VALUES (:c, :q, now(), false, '');\n"
    + _row("queue_id = :q")
    + LINE,
    "transfer": LOCK_AGENT
    + LOAD
    + OFFER.format(kind="transfer")
    + LINE
    + _row("transfer_count = transfer_count")
    + NOTICE,
    "monitor": "INSERT INTO conversations_participant (conversation_id, user_id, mode, assign_reason, added_at, joined_at, "
    "seen_at, left_reason) VALUES (:c, (SELECT id FROM routing_user WHERE username = 'boss1'), 'monitor', 'AgentMonitor', "
    "now(), now(), now(), '');\n" + _row("priority = priority"),
    "join": "UPDATE conversations_participant SET left_at = now(), left_reason = 'moved_on' WHERE conversation_id = :c AND "
    "mode = 'monitor' AND left_at IS NULL;\n"
    "INSERT INTO conversations_participant (conversation_id, user_id, mode, assign_reason, added_at, joined_at, left_reason) "
    "VALUES (:c, (SELECT id FROM routing_user WHERE username = 'boss1'), 'consult', 'AgentConversationJoin', now(), now(), '');\n"
    + LINE
    + _row("priority = priority"),
    "force close": LOCK_AGENT
    + "UPDATE conversations_session SET closed_at = now(), closure_reason = 'ForceClosed' WHERE conversation_id = :c AND "
    "closed_at IS NULL;\n"
    "UPDATE conversations_queuesegment SET ended_at = now() WHERE conversation_id = :c AND ended_at IS NULL;\n"
    "UPDATE conversations_participant SET left_at = now(), left_reason = 'closed' WHERE conversation_id = :c AND "
    "left_at IS NULL;\n"
    + LINE
    + _row(
        "state = 'closed', reason = 'ForceClosedBySupervisor', closed_at = now(), state_changed_at = now(), "
        "last_agent_id = agent_id, agent_id = NULL, holds_capacity = false, handling_since = NULL, unanswered_since = NULL"
    )
    + LOAD
    + PRESENCE
    + NOTICE,
    "accept": LOCK_AGENT + "UPDATE conversations_offer SET status = 'accepted', settled_at = now() WHERE id = :o;\n"
    "UPDATE conversations_session SET agent_accepted_at = now() WHERE conversation_id = :c AND closed_at IS NULL;\n"
    "UPDATE conversations_queuesegment SET agent_accepted_at = now() WHERE conversation_id = :c AND ended_at IS NULL;\n"
    "UPDATE conversations_participant SET joined_at = now() WHERE conversation_id = :c AND left_at IS NULL AND "
    "mode = 'primary';\n"
    + LINE
    + _row("reason = 'InConversation', accepted_at = now(), handling_since = now(), state_changed_at = now()")
    + LOAD
    + PRESENCE,
    "reject": QUEUE
    + LOCK_AGENT
    + "UPDATE conversations_offer SET status = 'rejected', settled_at = now() WHERE id = :o;\n"
    + NEW_SESSION.format(agent="NULL", assigned="NULL")
    + "UPDATE conversations_participant SET left_at = now(), left_reason = 'rejected' WHERE conversation_id = :c AND "
    "left_at IS NULL AND mode = 'primary';\n"
    + _row(
        "state = 'open', reason = 'AwaitingAgentAssignment', agent_id = NULL, holds_capacity = false, "
        "state_changed_at = now()"
    )
    + LINE
    + LOAD
    + PRESENCE
    + NOTICE,
}
"""By the name of the action; ``whole`` adds what all of them have in common."""


def whole(name: str) -> str:
    """The script of an action, from taking the next conversation of its list to the commit."""
    table = name.replace(" ", "_")
    return BEGIN.format(name=table) + SCRIPTS[name].replace("{{}}", "{}") + END.replace("{{}}", "{}")
