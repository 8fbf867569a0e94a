"""Who may what: every address and every socket × every role. What is not in this table fails the tests.

One letter per role, in the order of ``stage.ROLES``: nobody, customer, customer elsewhere, agent, agent elsewhere,
supervisor, supervisor elsewhere, administrator, API access.

    +  let in, and it is done      L  led to the log-in      -  not allowed (403)
    ?  as if it did not exist (404)                          x  not to be asked like this (405), whoever asks
    D  led to the door of the administration (admin/login/), which lets nobody else in
    o  signed out, and led to the log-in
    .  not asked: the other method is answered before anybody looks at it
    =  told why it stays as it is; nothing is written
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from conversations.models import Conversation
from tests.access import stage
from tests.cast import Floor


@dataclass(frozen=True, slots=True)
class Row:
    """What each role is answered to a GET and to a POST at one address, where ``thing`` stands there.

    ``fields`` are those of the form; a value in braces is what the stage calls so.
    ``part`` are the answers to htmx, where they are others than to a GET.
    """

    address: str
    get: str
    post: str
    thing: Callable[[Floor], Conversation] | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    part: str = ""


AWAY = {"agent": "{agent_id}", "presence": "{away}"}
ANA = {"agent": "{agent_id}"}
OUT_OF_BILLING = {"agent": "{agent_id}", "queue-{billing}": "remove"}
TO_BORIS = {"agent": "{boris}", "version": "{version}", "confirmed-{boris}": "capacity_override"}
TO_RETURNS = {"queue": "{returns}", "version": "{version}"}
CLOSES = {"version": "{version}", "confirmed": "force_close", "note": "Because."}
LINE = {"text": "Hello"}
START = {"name": "Maja", "text": "Hello"}

ONE = "conversations/<int:conversation_id>/"
DESK = "desk/<int:conversation_id>/"
CHAT = "chat/<uuid:public_id>/"

# fmt: off
ROWS = [
    #    address                                     GET          POST         what stands there, and what is sent
    # The door.
    Row("login/",                                  "++++++++-", "+++++++++"),
    Row("login/code/",                             "LLL+++++-", "LLL++++++"),
    # Without a provider of single sign-on.
    Row("login/single-sign-on/",                   "xxxxxxxxx", "?????????"),
    Row("login/single-sign-on/callback/",          "?????????", "xxxxxxxxx"),
    Row("logout/",                                 "xxxxxxxxx", "ooooooooo"),
    Row("healthz",                                 "+++++++++", "xxxxxxxxx"),
    Row("favicon.ico",                             "+++++++++", "xxxxxxxxx"),
    Row("",                                        "LLL+++++-", "LLL+++++-"),
    # Everybody's own account. Nobody here has a second factor.
    Row("account/",                                "LLL++++++", "LLLxxxxxx"),
    Row("account/password/",                       "LLL++++++", "LLL++++++"),
    Row("account/confirm/",                        "LLL++++++", "LLL++++++"),
    Row("account/confirm/code/",                   "LLL++++++", "LLL++++++"),
    Row("account/second-factor/",                  "LLL++++++", "LLL++++++"),
    Row("account/second-factor/remove/",           "LLL??????", "LLL??????"),
    Row("account/recovery-codes/",                 "LLL??????", "LLLxxxxxx"),
    Row("account/recovery-codes/new/",             "LLL++++++", "LLL++++++"),
    # The report and one conversation.
    Row("conversations/",                          "LLL--++--", "xxxxxxxxx"),
    Row(ONE,                                       "LLL--+?--", "xxxxxxxxx", stage.hers),
    Row(ONE + "panel/",                            "LLL--+?--", "xxxxxxxxx", stage.hers),
    Row(ONE + "messages/",                         "xxxxxxxxx", "LLL--+?--", stage.joined, fields=LINE),
    Row(ONE + "typing/",                           "xxxxxxxxx", "LLL--+?--", stage.joined),
    Row(ONE + "monitor/",                          "xxxxxxxxx", "LLL--+?--", stage.hers),
    Row(ONE + "stop-monitoring/",                  "xxxxxxxxx", "LLL--+?--", stage.monitored),
    Row(ONE + "join/",                             "xxxxxxxxx", "LLL--+?--", stage.monitored),
    Row(ONE + "leave/",                            "xxxxxxxxx", "LLL--+?--", stage.joined),
    Row(ONE + "cancel-transfer/",                  "xxxxxxxxx", "LLL--+?--", stage.transferring),
    Row(ONE + "assign/",                           "LLL--+?--", "LLL--+?--", stage.opened, fields=TO_BORIS),
    Row(ONE + "assign-to-queue/",                  "LLL--+?--", "LLL--+?--", stage.opened, fields=TO_RETURNS),
    Row(ONE + "transfer/",                         "LLL--+?--", "LLL--+?--", stage.hers, fields=TO_BORIS),
    Row(ONE + "force-close/",                      "LLL--+?--", "LLL--+?--", stage.hers, fields=CLOSES),
    Row(ONE + "repair/",                           "LLL--+?--", "LLL--+?--", stage.broken),
    # The agents, seen by supervisors.
    Row("agents/",                                 "LLL--++--", "xxxxxxxxx"),
    Row("agents/<int:agent_id>/",                  "LLL--+?--", "xxxxxxxxx"),
    Row("agents/<int:agent_id>/panel/",            "LLL--+?--", "xxxxxxxxx"),
    Row("agents/presence/",                        "LLL--+?--", "LLL--+?--", fields=AWAY),
    Row("agents/reset/",                           "LLL--+?--", "LLL--+?--", stage.set_away, fields=ANA),
    Row("agents/queues/",                          "LLL--+?--", "LLL--+?--", fields=OUT_OF_BILLING),
    # The desk. To htmx a conversation that has left the desk is said to be gone, where it lay open.
    Row("desk/",                                   "LLL++----", "LLLxx----"),
    Row(DESK,                                      "LLL+?----", "LLLxx----", stage.hers, part="LLL++----"),
    Row("desk/presence/",                          "LLLxx----", "LLL++----", fields={"presence": "{away}"}),
    Row("desk/presence/reset/",                    "LLLxx----", "LLL++----", stage.set_away),
    Row("desk/offers/<int:offer_id>/accept/",      "LLLxx----", "LLL+?----", stage.offered),
    Row("desk/offers/<int:offer_id>/reject/",      "LLLxx----", "LLL+?----", stage.offered),
    Row(DESK + "messages/",                        "LLLxx----", "LLL+?----", stage.hers, fields=LINE),
    Row(DESK + "typing/",                          "LLLxx----", "LLL+?----", stage.hers),
    Row(DESK + "read/",                            "LLLxx----", "LLL+?----", stage.hers),
    Row(DESK + "pick/",                            "LLLxx----", "LLL+?----", stage.opened),
    Row(DESK + "revive/",                          "LLLxx----", "LLL+?----", stage.waits),
    Row(DESK + "end/",                             "LLLxx----", "LLL+?----", stage.hers),
    Row(DESK + "close-session/",                   "LLLxx----", "LLL+?----", stage.hers),
    Row(DESK + "hold/",                            "LLLxx----", "LLL+?----", stage.called),
    Row(DESK + "resume/",                          "LLLxx----", "LLL+?----", stage.held),
    Row(DESK + "elevate/<str:medium>/",            "LLLxx----", "LLL+?----", stage.hers),
    Row(DESK + "end-call/",                        "LLLxx----", "LLL+?----", stage.elevated),
    Row(DESK + "release/",                         "LLLxx----", "LLL+?----", stage.hers),
    Row(DESK + "finish-wrap-up/",                  "LLLxx----", "LLL+?----", stage.wrapped_up),
    Row(DESK + "leave-consult/",                   "LLLxx----", "LLL+?----", stage.consulting),
    # Notices are each person's own.
    Row("notices/",                                "LLL++++++", "LLLxxxxxx"),
    Row("notices/read/",                           "LLLxxxxxx", "LLL++++++"),
    Row("notices/<int:notice_id>/read/",           "LLLxxxxxx", "LLL+?????", stage.offered),
    # The customer; people of the centre may begin a chat too, in a browser that is nobody's chat yet.
    Row("chat/",                                   "+++++++++", "+++++++++", fields=START),
    Row("call/",                                   "+++++++++", "+++++++++", fields=START),
    Row(CHAT,                                      "?+???????", "xxxxxxxxx", stage.hers),
    Row(CHAT + "messages/",                        "xxxxxxxxx", "?+???????", stage.hers, fields=LINE),
    Row(CHAT + "typing/",                          "xxxxxxxxx", "?+???????", stage.hers),
    Row(CHAT + "person/",                          "xxxxxxxxx", "?+???????", stage.with_bot),
    Row(CHAT + "leave-call/",                      "xxxxxxxxx", "?+???????", stage.elevated),
    Row(CHAT + "end/",                             "xxxxxxxxx", "?+???????", stage.hers),
    # The administration, besides the pages of its models.
    Row("admin/",                                  "DDDDDDD+D", "DDDDDDD+D"),
    Row("admin/live-path/",                        "DDDDDDD+D", "DDDDDDDxD"),
    Row("admin/live-path/probe/",                  "DDDDDDDxD", "DDDDDDD+D"),
    Row("admin/conversations/finding/all/",        "DDDDDDD+D", "DDDDDDDxD"),
    Row("admin/conversations/finding/all/check/",  "DDDDDDDxD", "DDDDDDD+D"),
    Row("admin/conversations/finding/all/stop/",   "DDDDDDDxD", "DDDDDDD+D"),
    Row("admin/login/",                            "LLL----+-", "LLL----+-"),
    Row("admin/logout/",                           "DDDDDDDxD", "+++++++o+"),
    Row("admin/password_change/",                  "DDDDDDD+D", "DDDDDDD+D"),
    Row("admin/password_change/done/",             "DDDDDDD+D", "DDDDDDDxD"),
    Row("admin/autocomplete/",                     "DDDDDDD-D", "DDDDDDDxD"),
    Row("admin/jsi18n/",                           "DDDDDDD+D", "DDDDDDDxD"),
    Row("admin/r/<path:content_type_id>/<path:object_id>/", "DDDDDDD?D", "DDDDDDD?D"),
    Row("admin/routing/user/<id>/password/",       "DDDDDDD+D", "DDDDDDD+D"),
    Row("admin/<app_label>/",                      "DDDDDDD+D", "DDDDDDD+D"),
    Row("admin/<url>",                             "DDDDDDD?D", "DDDDDDD?D"),
]
# fmt: on

ADMIN_ONLY = "DDDDDDD{}D"
"""A page of the administration: everybody else is led to its door."""
NOBODY_ELSE = ".......{}."

MODELS = {
    # What an administrator may do with the rows: list, add, history, delete, change. Nobody else sees any of it.
    "routing/user": "+++=+",
    "auth/group": "+-+=+",
    "routing/agent": "+++=+",
    "routing/skill": "+++++",
    "routing/capacityprofile": "+++++",
    "routing/presence": "+++++",
    "routing/queue": "+++++",
    "routing/workstream": "+++++",
    "conversations/supervisorsettings": "+-+=+",
    # Written by the product: to look at, never to change.
    "conversations/conversation": "+-+=r",
    "conversations/session": "+-+=r",
    "conversations/queuesegment": "+-+=r",
    "conversations/participant": "+-+=r",
    "conversations/offer": "+-+=r",
    "conversations/historyentry": "+-+=r",
    "conversations/customer": "+-+=r",
    "conversations/settingchange": "+-+=r",
    "conversations/finding": "+-+=r",
    "routing/presencechange": "+-+=r",
}
"""Per model of the administration; ``r`` is a page to read, which no form of it can be sent to (403)."""

PAGES = ("", "add/", "<path:object_id>/history/", "<path:object_id>/delete/", "<path:object_id>/change/")
FORMS = {"add/", "<path:object_id>/delete/", "<path:object_id>/change/"}

SOCKETS = {
    # +  hello    1  signed in only (4401)    4  as if it did not exist (4404)
    "ws/console/": "111++++++",
    "ws/chat/<uuid:public_id>/": "4+4444444",
    "<path:anywhere>": "444444444",
}
"""A console's socket tells each person what concerns them; what that is, test_sockets.py holds."""


def admin_rows() -> list[Row]:
    """The rows of the models' pages."""
    found = []
    for model, letters in MODELS.items():
        for page, letter in zip(PAGES, letters, strict=True):
            get, post = ("+", "-") if letter == "r" else (letter, letter)
            # Others are asked once for each page: with a form where it takes one.
            others = (NOBODY_ELSE, ADMIN_ONLY) if page in FORMS else (ADMIN_ONLY, NOBODY_ELSE)
            found.append(Row(f"admin/{model}/{page}", others[0].format(get), others[1].format(post)))
        # The address without a page leads to that of the change.
        found.append(Row(f"admin/{model}/<path:object_id>/", ADMIN_ONLY.format("+"), NOBODY_ELSE.format("+")))
    return found
