"""Settings under which the server dies when it has carried something out, and before it answers."""

import os
import signal
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from tests.settings import *  # noqa: F403
from tests.settings import MIDDLEWARE


class Dying:
    """The outermost: everything is committed, and nobody was told."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.method == "POST":
            os.kill(os.getpid(), signal.SIGKILL)
        return response


MIDDLEWARE.insert(0, "tests.faults.unanswered.Dying")
