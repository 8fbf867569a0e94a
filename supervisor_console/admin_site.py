"""How do the administrators' pages hang together: who enters, and what stands where on their first page?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.apps import apps
from django.contrib.admin import site
from django.contrib.admin.apps import AdminConfig
from django.contrib.admin.sites import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

MONITORING: Final = "monitoring"
"""The place of the monitoring record: the participants whose mode is Monitor."""

LIVE_PATH: Final = "live_path"
"""The place of the page that shows how a change gets to a screen."""

SECTIONS: Final[Sequence[tuple[str, Promise, Sequence[str]]]] = (
    (
        "supervision",
        _("Supervision"),
        ("conversations.SupervisorSettings", MONITORING, "conversations.SettingChange"),
    ),
    (
        "people",
        _("People"),
        (
            "routing.User",
            "auth.Group",
            "routing.Agent",
            "routing.Skill",
            "routing.CapacityProfile",
            "routing.Presence",
            "routing.PresenceChange",
        ),
    ),
    ("routing", _("Routing"), ("routing.Queue", "routing.Workstream")),
    (
        "conversations",
        _("Conversations"),
        (
            "conversations.Conversation",
            "conversations.Session",
            "conversations.QueueSegment",
            "conversations.Participant",
            "conversations.Offer",
            "conversations.HistoryEntry",
            "conversations.Customer",
        ),
    ),
    ("operation", _("Operation"), (LIVE_PATH, "conversations.Finding")),
)

NAMES: Final = {
    "auth.Group": _("Roles"),
    "routing.User": _("People"),
    "conversations.Finding": _("Floor check"),
}
"""What stands under another name than Django's."""


FOREIGN: Final = frozenset(
    {
        "account.EmailAddress",
        "account.EmailConfirmation",
        "mfa.Authenticator",
        "socialaccount.SocialAccount",
        "socialaccount.SocialApp",
        "socialaccount.SocialToken",
    }
)
"""What would bring pages of its own, and is none of the administrators' business."""


class ConsoleAdminConfig(AdminConfig):
    """Django's admin, on our site."""

    default_site = "supervisor_console.admin_site.ConsoleAdminSite"

    def ready(self) -> None:
        """With the pages of our models, and without those of the library that proves who somebody is."""
        super().ready()
        for model in apps.get_models():
            if model._meta.label in FOREIGN and site.is_registered(model):
                site.unregister(model)


class ConsoleAdminSite(AdminSite):
    """The administrators' side of the console."""

    site_header = _("Supervisor Console")
    site_title = _("Administration · Supervisor Console")
    index_title = _("Administration")

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """One door for everybody: the console's log-in. Whoever came through it and may not enter is told so."""
        if self.has_permission(request):
            return HttpResponseRedirect(reverse("admin:index", current_app=self.name))
        if request.user.is_authenticated:
            raise PermissionDenied
        from django.contrib.auth.views import redirect_to_login  # Its models are not there when apps are set up.

        wanted = request.GET.get("next") or reverse("admin:index", current_app=self.name)
        return redirect_to_login(wanted)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The own password is changed where everybody changes it."""
        return HttpResponseRedirect(reverse("account_change_password"))

    def get_urls(self) -> list[URLResolver | URLPattern]:
        """Django's pages, and the one that shows the live path."""
        from supervisor_console.live_path import views  # Its models are not there when apps are set up.

        own: list[URLResolver | URLPattern] = [
            path("live-path/", self.admin_view(views.page), name="live_path"),
            path("live-path/probe/", self.admin_view(views.probe), name="live_path_probe"),
        ]
        return own + super().get_urls()

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """The sections of the first page and of the side bar, by subject instead of by app."""
        apps = super().get_app_list(request, app_label)
        if app_label is not None:
            return apps
        found = {entry["model"]._meta.label: entry for app in apps for entry in app["models"]}
        here = request.get_full_path()
        for label, entry in found.items():
            entry["name"] = NAMES.get(label, entry["name"])
            entry["is_current"] = bool(entry["admin_url"]) and here.startswith(entry["admin_url"])
        if participants := found.get("conversations.Participant"):
            is_record = participants["is_current"] and "mode__exact=monitor" in here
            found[MONITORING] = {
                **participants,
                "name": _("Monitoring record"),
                "object_name": "MonitoringRecord",
                "admin_url": f"{participants['admin_url']}?mode__exact=monitor",
                "is_current": is_record,
            }
            participants["is_current"] = participants["is_current"] and not is_record
        if self.has_permission(request):
            found[LIVE_PATH] = self._live_path(here)
        return [
            {
                "name": name,
                "app_label": slug,
                "app_url": "",
                "has_module_perms": True,
                "models": [found[label] for label in labels if label in found],
            }
            for slug, name, labels in SECTIONS
            if any(label in found for label in labels)
        ]

    def _live_path(self, here: str) -> dict[str, Any]:
        """The entry of the page that shows how a change gets to a screen: no model, but found like one."""
        url = reverse("admin:live_path", current_app=self.name)
        return {
            "name": _("Live path"),
            "object_name": "LivePath",
            "admin_url": url,
            "add_url": None,
            "view_only": True,
            "is_current": here.startswith(url),
        }
