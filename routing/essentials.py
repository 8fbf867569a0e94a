"""What every installation has from the start: presences, roles, default queues (domain.md 1.2, 1.3).

Put in place after each migrate, and only where missing, so that nothing an administrator changed
is changed back. Permissions that a migrate brings are new to everybody, so the roles get them then.
"""

from __future__ import annotations

from django.contrib.auth.models import Group, Permission
from django.db import connections
from django.db.models import Max, Q

from routing.models import AssignmentMethod, BasePresence, Presence, Queue, QueueType
from routing.models.presence import INACTIVE
from supervisor_console.kernel.actor import Role

DEFAULT_QUEUES = (
    (QueueType.MESSAGING, "Default messaging queue", AssignmentMethod.HIGHEST_CAPACITY),
    (QueueType.VOICE, "Default voice queue", AssignmentMethod.LEAST_ACTIVE),
    (QueueType.RECORD, "Default record queue", AssignmentMethod.HIGHEST_CAPACITY),
)


class _Before:
    """What there was before the migrate that is under way."""

    last_permission: int | None = None


def look_before(*, using: str = "default", **_: object) -> None:
    """Note which permissions there are; a receiver of ``pre_migrate``."""
    connection = connections[using]
    is_there = Permission._meta.db_table in connection.introspection.table_names()
    _Before.last_permission = Permission.objects.aggregate(last=Max("pk"))["last"] if is_there else None


def ensure(**_: object) -> None:
    """Create what is missing; a receiver of ``post_migrate``."""
    for base in BasePresence:
        Presence.objects.get_or_create(code=base.value, defaults={"name": str(base.label), "base": base.value})
    Presence.objects.get_or_create(
        code=INACTIVE,
        defaults={"name": "Inactive", "base": BasePresence.AWAY.value, "is_selectable": False},
    )
    for type_, name, method in DEFAULT_QUEUES:
        Queue.objects.get_or_create(
            type=type_,
            is_default=True,
            defaults={"name": name, "assignment_method": method, "priority": 1000},
        )
    for role in Role:
        group, is_new = Group.objects.get_or_create(name=role.value)
        wanted = _first_permissions(role)
        if is_new:
            group.permissions.set(wanted)
        elif _Before.last_permission is not None:
            group.permissions.add(*(one for one in wanted if one.pk > _Before.last_permission))


def _first_permissions(role: Role) -> list[Permission]:
    if role == Role.SUPERVISOR:
        return list(Permission.objects.filter(codename="view_all_queues"))
    if role == Role.ADMINISTRATOR:
        return list(Permission.objects.filter(_configuring | _looking))
    return []


# People and agents are deactivated, never deleted; histories are written by the product only.
_configuring = (
    Q(content_type__app_label="routing")
    & ~Q(codename__in=["view_all_queues", "delete_user", "delete_agent"])
    & ~Q(codename__regex="^(add|change|delete)_(presencechange|staffingchange)$")
) | Q(content_type__app_label="conversations", codename="change_supervisorsettings")

# What was said is not among it: reading a conversation is monitoring, which is recorded and a supervisor's
# right (domain.md 1.3, 3.10).
_looking = Q(content_type__app_label="conversations", codename__startswith="view_") & ~Q(
    codename__in=["view_message", "view_notice"]
)
