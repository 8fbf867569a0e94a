"""What does every answer tell the browser not to do? Static files, error pages and redirects included.

The Content-Security-Policy, HSTS, X-Frame-Options and Referrer-Policy come from settings.py, through Django's and
django-csp's own middleware; here is what neither of them says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.http import HttpRequest
from django.http.response import HttpResponseBase

UNUSED_FEATURES = (
    "accelerometer",
    "camera",
    "display-capture",
    "geolocation",
    "gyroscope",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "usb",
)
"""What no page of the console asks of the device, and so no script in one can."""

HEADERS: Mapping[str, str] = {
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in UNUSED_FEATURES),
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Permitted-Cross-Domain-Policies": "none",
    # What customers said stays in no cache: after the log-out, Back shows nothing. Static files say their own.
    "Cache-Control": "private, no-store",
}


class HeadersMiddleware:
    """Sets each header on every answer that does not say it itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response
