"""What can be done to a history? Rows can be added to it and read, nothing else: it is the evidence."""

from __future__ import annotations

from typing import Any, NoReturn, TypeVar

from django.db import models


class AppendOnlyError(Exception):
    """History can be added to and read, nothing else."""


M = TypeVar("M", bound=models.Model)


class AppendOnlyQuerySet(models.QuerySet[M]):
    """Refuses every way to change or delete rows."""

    def update(self, **kwargs: Any) -> NoReturn:
        """Refused."""
        raise AppendOnlyError("history cannot be changed")

    def delete(self) -> NoReturn:
        """Refused."""
        raise AppendOnlyError("history cannot be deleted")


class AppendOnly(models.Model):
    """A row that is written once, in the transaction of what it tells."""

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Adds the row; one that exists is refused."""
        if self.pk is not None:
            raise AppendOnlyError("history cannot be changed")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refused."""
        raise AppendOnlyError("history cannot be deleted")
