"""Who can get into the demo, and is it all there?"""

from __future__ import annotations

from conversations.demo import people
from routing.models import User

PASSWORD = "demo"  # noqa: S105  (printed for everybody to read, and good for nothing outside the demo)
LOG_INS = (
    people.ADMIN[0],
    *(person.username for person in people.SUPERVISORS),
    *(person.username for person in people.PLAYERS),
)


def open_doors() -> None:
    """Give the log-ins their password; the last thing that happens when the demo is loaded."""
    for username in LOG_INS:
        user = User.objects.get(username=username)
        user.set_password(PASSWORD)
        user.save(update_fields=["password"])


def is_whole() -> bool:
    """Whether the demo was loaded to its end: the doors are opened last."""
    return any(user.has_usable_password() for user in User.objects.filter(username=LOG_INS[-1]))


def has_strangers() -> bool:
    """Whether somebody could sign in here with a password that is not the demo's."""
    return any(
        user.has_usable_password() and not user.password.startswith("demo$") for user in User.objects.only("password")
    )
