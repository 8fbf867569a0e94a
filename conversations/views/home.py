"""Where does somebody begin? At the page of their role."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from conversations.views.access import person


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Send a supervisor to the report, an agent to the desk, an administrator to the admin."""
    actor = person(request)
    if actor.is_supervisor:
        return redirect("conversations:ongoing")
    if actor.is_agent:
        return redirect("conversations:desk")
    if request.user.is_staff:
        return redirect("admin:index")
    return render(request, "no_role.html", status=403)
