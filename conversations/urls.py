"""Every address of the console, one per verb."""

from django.urls import path

from conversations.views import actions, agents, chat, conversation, desk, home, notices, repair, report, staff

app_name = "conversations"

urlpatterns = [
    path("", home.home, name="home"),
    # the report
    path("conversations/", report.ongoing, name="ongoing"),
    # one conversation
    path("conversations/<int:conversation_id>/", conversation.page, name="conversation"),
    path("conversations/<int:conversation_id>/panel/", conversation.panel, name="panel"),
    path("conversations/<int:conversation_id>/messages/", conversation.send, name="send"),
    path("conversations/<int:conversation_id>/typing/", conversation.types, name="typing"),
    # what a supervisor does to it
    path("conversations/<int:conversation_id>/monitor/", actions.monitor, name="monitor"),
    path("conversations/<int:conversation_id>/stop-monitoring/", actions.stop_monitoring, name="stop_monitoring"),
    path("conversations/<int:conversation_id>/join/", actions.join, name="join"),
    path("conversations/<int:conversation_id>/leave/", actions.leave, name="leave"),
    path("conversations/<int:conversation_id>/assign/", actions.assign, name="assign"),
    path("conversations/<int:conversation_id>/assign-to-queue/", actions.assign_to_queue, name="assign_to_queue"),
    path("conversations/<int:conversation_id>/transfer/", actions.transfer, name="transfer"),
    path("conversations/<int:conversation_id>/cancel-transfer/", actions.cancel_transfer, name="cancel_transfer"),
    path("conversations/<int:conversation_id>/force-close/", actions.force_close, name="force_close"),
    path("conversations/<int:conversation_id>/repair/", repair.repair, name="repair"),
    # the agents, and what a supervisor changes about them
    path("agents/", agents.agents, name="agents"),
    path("agents/presence/", staff.set_presence, name="agents_presence"),
    path("agents/reset/", staff.reset_presence, name="agents_reset"),
    path("agents/queues/", staff.change_queues, name="agents_queues"),
    path("agents/<int:agent_id>/", agents.agent, name="agent"),
    path("agents/<int:agent_id>/panel/", agents.panel, name="agent_panel"),
    # the agent's desk
    path("desk/", desk.desk, name="desk"),
    path("desk/presence/", desk.set_presence, name="set_presence"),
    path("desk/presence/reset/", desk.reset_presence, name="reset_presence"),
    path("desk/offers/<int:offer_id>/accept/", desk.accept, name="accept"),
    path("desk/offers/<int:offer_id>/reject/", desk.reject, name="reject"),
    path("desk/<int:conversation_id>/", desk.conversation, name="desk_conversation"),
    path("desk/<int:conversation_id>/messages/", desk.send, name="desk_send"),
    path("desk/<int:conversation_id>/typing/", desk.types, name="desk_typing"),
    path("desk/<int:conversation_id>/read/", desk.read, name="desk_read"),
    path("desk/<int:conversation_id>/pick/", desk.pick, name="pick"),
    path("desk/<int:conversation_id>/revive/", desk.revive, name="revive"),
    path("desk/<int:conversation_id>/end/", desk.end, name="end"),
    path("desk/<int:conversation_id>/close-session/", desk.close_session, name="close_session"),
    path("desk/<int:conversation_id>/hold/", desk.hold, name="hold"),
    path("desk/<int:conversation_id>/resume/", desk.resume, name="resume"),
    path("desk/<int:conversation_id>/elevate/<str:medium>/", desk.elevate, name="elevate"),
    path("desk/<int:conversation_id>/end-call/", desk.end_elevation, name="end_elevation"),
    path("desk/<int:conversation_id>/release/", desk.release, name="release"),
    path("desk/<int:conversation_id>/finish-wrap-up/", desk.finish_wrap_up, name="finish_wrap_up"),
    path("desk/<int:conversation_id>/leave-consult/", desk.leave_consult, name="leave_consult"),
    # notices
    path("notices/", notices.notices, name="notices"),
    path("notices/<int:notice_id>/read/", notices.mark_read, name="notice_read"),
    path("notices/read/", notices.mark_all_read, name="notices_read"),
    # the customer
    path("chat/", chat.start, name="chat"),
    path("call/", chat.call, name="call"),
    path("chat/<uuid:public_id>/", chat.conversation, name="chat_conversation"),
    path("chat/<uuid:public_id>/messages/", chat.send, name="chat_send"),
    path("chat/<uuid:public_id>/typing/", chat.types, name="chat_typing"),
    path("chat/<uuid:public_id>/person/", chat.person, name="chat_person"),
    path("chat/<uuid:public_id>/leave-call/", chat.leave_call, name="chat_leave_call"),
    path("chat/<uuid:public_id>/end/", chat.end, name="chat_end"),
]
