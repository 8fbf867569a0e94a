"""Can this process serve, and does it reach what it stands on?"""

from collections.abc import Callable

from asgiref.sync import async_to_sync
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from supervisor_console.kernel.realtime import round_trip

PUSH_WITHIN_SECONDS = 1.0
"""A broker that accepts and never answers does not hold the answer up."""


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """200 while this process can serve: "ok", or "degraded" with the name of what does not answer; otherwise 503.

    Without the database nothing can be served. Without the push everything can: actions succeed, and screens follow
    through the outbox within seconds. A load balancer that took every process out for that would make an outage of it.
    """
    database, push = _works(_ask_database), _works(_ask_channel_layer)
    status = "unavailable" if not database else "ok" if push else "degraded"
    parts = {"database": database, "push": push}
    return JsonResponse(
        {"status": status} | {name: "ok" if works else "unavailable" for name, works in parts.items()},
        status=200 if database else 503,
    )


def _works(ask: Callable[[], None]) -> bool:
    try:
        ask()
    except Exception:  # Whatever a driver raises, the answer is the same: not reachable.
        return False
    return True


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _ask_channel_layer() -> None:
    if settings.REDIS_URL:
        async_to_sync(round_trip)(PUSH_WITHIN_SECONDS)
