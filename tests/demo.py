"""The demo contact centre, as `manage.py load_demo` puts it up."""

from io import StringIO

from django.core.management import call_command
from django.test import override_settings

from routing import selectors as routing_selectors
from routing.models import User
from supervisor_console.kernel.actor import Actor

DEMO = {"DEMO": True, "PASSWORD_HASHERS": ["supervisor_console.demo_auth.DemoPasswordHasher"]}


def load(*arguments: str) -> str:
    """What the command prints in demo mode."""
    said = StringIO()
    with override_settings(**DEMO):
        call_command("load_demo", *arguments, stdout=said)
    return said.getvalue()


def actor(username: str) -> Actor:
    """One of the demo's people."""
    return routing_selectors.actor_for(User.objects.get(username=username))
