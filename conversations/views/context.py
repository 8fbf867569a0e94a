"""What every page of a signed-in person needs around its content: sections, socket, notices, name."""

from __future__ import annotations

from typing import Any, cast

from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from conversations.models import Notice
from conversations.reports.people import initials, presence_code
from conversations.views.access import person
from routing.models import Agent, User
from supervisor_console.kernel import clock
from supervisor_console.kernel.questions import question


def console(request: HttpRequest) -> dict[str, Any]:
    """A context processor: nothing is asked of the database unless the template prints it."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"now_iso": clock.now().isoformat()}
    return {
        "now_iso": clock.now().isoformat(),
        "live_url": "/ws/console/",
        "nav": SimpleLazyObject(lambda: _sections(request)),
        "notices_url": reverse("conversations:notices"),
        "notices_part_url": reverse("conversations:notices") + "?bell=1",
        "notices_count": SimpleLazyObject(lambda: unread_notices(cast(User, user))),
        "is_agent": SimpleLazyObject(lambda: person(request).is_agent),
        "is_supervisor": SimpleLazyObject(lambda: person(request).is_supervisor),
        "person": SimpleLazyObject(lambda: _person(request)),
    }


def unread_notices(user: User) -> int:
    """How many notices somebody has not read."""
    return sum(number for (number,) in _unread(user.pk))


@question
def _unread(user_id: int) -> QuerySet[Notice, Any]:
    unread = Notice.objects.filter(user=user_id, read_at__isnull=True).values("user")
    return unread.annotate(number=Count("pk")).values_list("number")


def _sections(request: HttpRequest) -> list[dict[str, object]]:
    actor = person(request)
    found = []
    if actor.is_supervisor:
        found.append((_("Conversations"), reverse("conversations:ongoing"), "/conversations/"))
        found.append((_("Agents"), reverse("conversations:agents"), "/agents/"))
    if actor.is_agent:
        found.append((_("Desk"), reverse("conversations:desk"), "/desk/"))
    if request.user.is_staff:
        found.append((_("Administration"), reverse("admin:index"), "/admin/"))
    return [{"label": label, "url": url, "current": request.path.startswith(prefix)} for label, url, prefix in found]


def _person(request: HttpRequest) -> dict[str, str]:
    actor = person(request)
    agent = (
        Agent.objects.select_related("presence").filter(pk=actor.agent_id).first()
        if actor.agent_id is not None
        else None
    )
    return {
        "name": actor.name,
        "initials": initials(actor.name),
        "role": ", ".join(sorted(_(role.value) for role in actor.roles)),
        "presence": presence_code(agent),
        "presence_label": str(agent.presence.name) if agent is not None else "",
    }
