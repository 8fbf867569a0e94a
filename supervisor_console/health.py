"""Can this process answer, and does it reach what it stands on?"""

from collections.abc import Callable

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """200 when everything answers, 503 with the name of what does not."""
    parts = {"database": _works(_ask_database), "push": _works(_ask_channel_layer)}
    healthy = all(parts.values())
    return JsonResponse(
        {"status": "ok" if healthy else "unavailable"}
        | {name: "ok" if works else "unavailable" for name, works in parts.items()},
        status=200 if healthy else 503,
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
    layer = get_channel_layer()
    if settings.REDIS_URL and layer is not None:
        async_to_sync(layer.group_send)("health", {"type": "health.ping"})
