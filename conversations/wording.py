"""The sentences made from codes: transcript lines, notices, timeline. Made when shown, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from conversations.models import Sentiment
from routing.events import QueuesChanged, queues_told

Texts = Mapping[str, object]

LINES: Texts = {
    # everybody reads these
    "bot_escalated": _("%(bot)s hands you over to a person."),
    "bot_ended": _("%(bot)s ended the conversation."),
    "agent_joined": _("%(agent)s joined the conversation."),
    "agent_took_over": _("%(agent)s took over from %(from)s."),
    "supervisor_joined": _("%(name)s joined the conversation."),
    "participant_left": _("%(name)s left the conversation."),
    "agent_released": _("%(agent)s left the conversation. Somebody else will continue it."),
    "agent_disconnected": _("%(agent)s lost the connection. Somebody else will continue this conversation."),
    "agent_ended": _("%(agent)s ended the conversation."),
    "call_held": _("%(agent)s put the call on hold."),
    "call_resumed": _("%(agent)s is back on the line."),
    "elevated_voice": _("%(agent)s started a voice call."),
    "elevated_video": _("%(agent)s started a video call."),
    "elevation_ended": _("The call is over."),
    "customer_ended": _("%(customer)s ended the conversation."),
    "customer_left": _("%(customer)s left the conversation."),
    "call_limit": _("The call reached its longest time and was ended."),
    "force_closed": _("A supervisor ended this conversation."),
    "auto_closed": _("This conversation was closed because nothing happened for a long time."),
    # people of the centre read these
    "supervisor_joined_staff": _("Supervisor %(name)s joined."),
    "transfer_requested": _("%(name)s is transferring this conversation to %(agent)s."),
    "transfer_rejected": _("%(agent)s rejected the transfer."),
    "transfer_timed_out": _("%(agent)s did not answer the transfer."),
    "transfer_unreachable": _("%(agent)s went away before answering the transfer."),
    "transfer_cancelled": _("The transfer to %(agent)s was cancelled."),
    "consultant_now": _("%(agent)s took over. %(from)s is a consultant now."),
    "assigned_to_queue": _("%(name)s moved this conversation from %(from_queue)s to %(queue)s."),
    "assigned": _("%(name)s assigned this conversation to %(agent)s."),
    "agent_disconnected_waiting": _("%(agent)s was gone for too long. Nothing is unanswered, so it waits."),
    "offered": _("This conversation was offered to %(agent)s."),
    "fell_back": _("%(from_queue)s has no members who take work, so this conversation moved to %(queue)s."),
    "rejected": _("%(agent)s rejected the conversation."),
    "timed_out": _("%(agent)s did not answer the offer."),
    "unreachable": _("%(agent)s went away before answering the offer."),
    "handover_note": _("%(name)s: %(note)s"),
}

NOTICES: Texts = {
    "supervisor_joined": _("Supervisor %(name)s joined «%(subject)s»."),
    "monitoring_started": _("%(name)s started monitoring «%(subject)s»."),
    "transfer_requested": _("%(name)s is transferring «%(subject)s» to %(agent)s. You keep it until they accept."),
    "took_over": _("%(agent)s took over «%(subject)s». You are a consultant in it now."),
    "taken_away": _("«%(subject)s» was transferred to %(agent)s."),
    "force_closed": _("%(name)s force closed «%(subject)s»."),
    "lost_while_away": _("You were gone for too long, so «%(subject)s» went back to %(queue)s."),
    "offer_withdrawn": _("The offer of «%(subject)s» was withdrawn: %(cause)s"),
    "assigned": _("%(name)s offers you «%(subject)s»."),
    "offered": _("«%(subject)s» is offered to you."),
    "opened_by_itself": _("«%(subject)s» opened by itself, because its time was over. The customer waits for you."),
    "offer_missed": _("You did not answer the offer of «%(subject)s» in time."),
    "assign_accepted": _("%(agent)s accepted «%(subject)s»."),
    "assign_rejected": _("%(agent)s rejected «%(subject)s». It is open again."),
    "assign_timed_out": _("%(agent)s did not answer «%(subject)s» in time. It is open again."),
    "assign_unreachable": _("%(agent)s went away before answering «%(subject)s». It is open again."),
    "transfer_accepted": _("%(agent)s took over «%(subject)s»."),
    "transfer_rejected": _("%(agent)s rejected the transfer of «%(subject)s». Nothing has moved."),
    "transfer_timed_out": _("%(agent)s did not answer the transfer of «%(subject)s». Nothing has moved."),
    "transfer_unreachable": _("%(agent)s went away before answering the transfer of «%(subject)s». Nothing has moved."),
    "transfer_cancelled": _("The transfer of «%(subject)s» to %(agent)s was cancelled."),
    "presence_set": _("%(name)s set your presence to %(presence)s."),
    "presence_reset": _("%(name)s reset your presence. You are %(presence)s now."),
    "queues_added": _("%(name)s added you to %(added)s."),
    "queues_removed": _("%(name)s took you out of %(removed)s. What you have stays with you."),
    "queues_changed": _(
        "%(name)s added you to %(added)s and took you out of %(removed)s. What you have stays with you."
    ),
    "customer_unhappy": _("%(customer)s sounds unhappy in «%(subject)s» (%(queue)s): %(sentiment)s."),
    "own_customer_unhappy": _("%(customer)s sounds unhappy in «%(subject)s»: %(sentiment)s."),
    "monitored_closed": _("«%(subject)s», which you were monitoring, is closed."),
}

NOTICES_TOLD: Texts = {
    "assigned": _("%(name)s assigned «%(subject)s» to you."),
    "offered": _("«%(subject)s» is assigned to you."),
    "offer_missed": _("You did not open «%(subject)s» in time."),
}
LINES_TOLD: Texts = {"offered": _("This conversation was assigned to %(agent)s.")}
TIMELINE_TOLD: Texts = {"conversation.offered": _("Assigned to %(agent)s")}
DEEDS_TOLD: Texts = {"conversation.offered": _("It was assigned to %(agent)s")}
"""The same where the workstream assigns without asking (domain.md 4.2): ``told`` is among the params."""

STAFFING: Texts = {
    "queues_added": _("Added to %(added)s"),
    "queues_removed": _("Taken out of %(removed)s"),
    "queues_changed": _("Added to %(added)s, taken out of %(removed)s"),
}
"""What a supervisor changed about an agent."""

ASKS = frozenset({"assigned", "offered"})
"""Notices that ask for an answer to an offer; when it was given, they have done their work."""

REASSIGN = frozenset(
    f"{verb}_{outcome}" for verb in ("assign", "transfer") for outcome in ("rejected", "timed_out", "unreachable")
)
"""Notices that come with a Reassign button (domain.md 3.5, 3.6)."""

REASSIGN_LABEL = _("Reassign")
VIEW_LABEL = _("View")

CAUSES: Texts = {
    "customer_left": _("the customer left."),
    "force_closed": _("a supervisor closed the conversation."),
    "ended": _("the conversation was ended."),
    "cancelled": _("a supervisor cancelled it."),
    "transferred": _("a supervisor transferred it to somebody else."),
    "moved_on": _("the conversation moved on."),
    "agent_gone": _("you had no page open."),
}

TIMELINE: Texts = {
    "conversation.created": _("Started in %(queue)s"),
    "conversation.escalated": _("Handed over by %(agent)s"),
    "conversation.offered": _("Offered to %(agent)s"),
    "conversation.assigned": _("Assigned to %(agent)s"),
    "conversation.assigned_to_queue": _("Moved from %(from_queue)s to %(queue)s"),
    "conversation.picked": _("Picked by %(agent)s"),
    "conversation.accepted": _("Accepted by %(agent)s"),
    "conversation.rejected": _("Rejected by %(agent)s"),
    "conversation.timed_out": _("Not answered by %(agent)s in time"),
    "conversation.transfer_requested": _("Transfer to %(agent)s requested"),
    "conversation.transferred": _("Transferred to %(agent)s"),
    "conversation.transfer_rejected": _("Transfer rejected by %(agent)s"),
    "conversation.transfer_timed_out": _("Transfer not answered by %(agent)s in time"),
    "conversation.transfer_cancelled": _("Transfer to %(agent)s cancelled"),
    "conversation.released": _("Released by %(agent)s"),
    "conversation.moved_to_waiting": _("Left waiting by %(agent)s"),
    "conversation.agent_disconnected": _("Taken from %(agent)s, who lost the connection"),
    "conversation.revived": _("Taken up again by %(agent)s"),
    "conversation.customer_returned": _("The customer wrote again"),
    "conversation.customer_disconnected": _("The customer closed the chat or lost the connection"),
    "conversation.customer_reconnected": _("The customer is back"),
    "conversation.ended": _("Ended, wrap-up started"),
    "conversation.closed": _("Closed"),
    "conversation.force_closed": _("Force closed"),
    "conversation.repaired": _("Repaired: its records did not agree"),
    "conversation.call_held": _("Put on hold"),
    "conversation.call_resumed": _("Taken off hold"),
    "conversation.elevated": _("Taken into a call (%(medium)s)"),
    "conversation.elevation_ended": _("The call beside the chat is over"),
    "conversation.monitoring_started": _("Monitoring started"),
    "conversation.monitoring_stopped": _("Monitoring stopped"),
    "conversation.joined": _("Joined"),
    "conversation.left": _("Left"),
}


DEEDS: Texts = {
    "conversation.created": _("%(name)s began it"),
    "conversation.escalated": _("%(agent)s handed it over"),
    "conversation.offered": _("It was offered to %(agent)s"),
    "conversation.assigned": _("%(name)s assigned it to %(agent)s"),
    "conversation.assigned_to_queue": _("%(name)s moved it to %(queue)s"),
    "conversation.picked": _("%(name)s took it"),
    "conversation.accepted": _("%(name)s accepted it"),
    "conversation.rejected": _("%(name)s rejected it"),
    "conversation.timed_out": _("%(agent)s did not answer the offer"),
    "conversation.transfer_requested": _("%(name)s asked %(agent)s to take over"),
    "conversation.transferred": _("%(name)s took it over"),
    "conversation.transfer_rejected": _("%(name)s rejected the transfer"),
    "conversation.transfer_timed_out": _("%(agent)s did not answer the transfer"),
    "conversation.transfer_cancelled": _("%(name)s cancelled the transfer to %(agent)s"),
    "conversation.elevated": _("%(name)s took it into a call"),
    "conversation.elevation_ended": _("%(name)s ended the call"),
    "conversation.released": _("%(name)s gave it back to the queue"),
    "conversation.moved_to_waiting": _("%(name)s left it waiting"),
    "conversation.agent_disconnected": _("%(agent)s lost the connection, so it was taken from them"),
    "conversation.revived": _("%(name)s took it up again"),
    "conversation.customer_returned": _("%(name)s wrote again"),
    "conversation.ended": _("%(name)s ended it"),
    "conversation.closed": _("%(name)s closed it"),
    "conversation.force_closed": _("%(name)s force closed it"),
    "conversation.repaired": _("%(name)s repaired it"),
}
"""What somebody did to a conversation, told to whoever came too late (domain.md 3.0, 6)."""

TIMELINE_BY_ITSELF: Texts = {"conversation.accepted": _("Opened by itself for %(agent)s")}
DEEDS_BY_ITSELF: Texts = {"conversation.accepted": _("It opened by itself for %(agent)s")}
"""What usually an agent does, where it happened without them (domain.md 4.2)."""

STANDINGS: Texts = {
    "open": _("It is open in %(queue)s now."),
    "offered": _("It is offered to %(agent)s now."),
    "told": _("It is assigned to %(agent)s now."),
    "in_conversation": _("It is active with %(agent)s now."),
    "waiting": _("It is waiting now."),
    "wrap_up": _("It is in wrap-up with %(agent)s now."),
    "closed": _("It is closed now."),
}
"""What a conversation is now, by phase; ``told`` is offered where nobody is asked."""


class _Known(dict[str, object]):
    """Params in which a missing name reads as a dash, so that old rows never break a page."""

    def __missing__(self, key: str) -> str:
        return "–"


def sentence(texts: Texts, code: str, params: Mapping[str, object]) -> str:
    """The sentence of a code in the active language; an unknown code reads as itself."""
    text = texts.get(code)
    return str(text) % _Known(params) if text is not None else code


def _fitting(
    code: str, params: Mapping[str, object], usual: Texts, told: Texts, by_itself: Texts | None = None
) -> Texts:
    """The texts that say it as it was: whoever did not ask told somebody, and some things happen by themselves."""
    if params.get("told") and code in told:
        return told
    return by_itself if by_itself and params.get("by_itself") else usual


def line(code: str, params: Mapping[str, object]) -> str:
    """The sentence of a system line in the transcript."""
    return sentence(_fitting(code, params, LINES, LINES_TOLD), code, params)


def notice(code: str, params: Mapping[str, object]) -> str:
    """The sentence of a notice."""
    known = dict(params)
    if "cause" in known:
        known["cause"] = str(CAUSES.get(str(known["cause"]), known["cause"]))
    if "sentiment" in known:
        known["sentiment"] = str(dict(Sentiment.choices).get(int(str(known["sentiment"])), known["sentiment"]))
    return sentence(_fitting(code, params, NOTICES, NOTICES_TOLD), code, known)


def staffing(code: str, data: Mapping[str, Any]) -> str:
    """The sentence of a change about an agent: added to these queues, taken out of those."""
    if code != QueuesChanged.code:
        return code
    names = {name: ", ".join(data[name]) for name in ("added", "removed")}
    return sentence(STAFFING, queues_told(**names), names)


def timeline(code: str, params: Mapping[str, object]) -> str:
    """The sentence of a history entry."""
    return sentence(_fitting(code, params, TIMELINE, TIMELINE_TOLD, TIMELINE_BY_ITSELF), code, params)


def deed(code: str, params: Mapping[str, object], seconds: float) -> str:
    """Who did what, how long ago: «Ana Test took it 3 s ago.»"""
    texts = _fitting(code, params, DEEDS, DEEDS_TOLD, DEEDS_BY_ITSELF)
    did = sentence(texts, code, params) if code in texts else str(_("This changed"))
    return str(_("%(deed)s %(ago)s.")) % {"deed": did, "ago": ago(seconds)}


def ago(seconds: float) -> str:
    """How long ago something happened, roughly."""
    if seconds < 1:
        return str(_("just now"))
    if seconds < 60:
        return str(_("%(n)d s ago")) % {"n": seconds}
    if seconds < 3600:
        return str(_("%(n)d min ago")) % {"n": seconds // 60}
    return str(_("%(n)d h ago")) % {"n": seconds // 3600}
