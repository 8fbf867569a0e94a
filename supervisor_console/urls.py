"""Where does each part of the console live?"""

from django.contrib import admin
from django.urls import include, path

from supervisor_console.health import healthz
from supervisor_console.views import favicon

handler400 = "supervisor_console.views.unreadable"
handler500 = "supervisor_console.views.failed"

urlpatterns = [
    path("", include("supervisor_console.accounts.urls")),
    path("admin/", admin.site.urls),
    path("healthz", healthz, name="healthz"),
    path("favicon.ico", favicon, name="favicon"),
    path("", include("conversations.urls")),
]
