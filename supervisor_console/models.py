"""What the kernel keeps in the database: the outbox of announcements."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Announcement(models.Model):
    """What one action announced, written in its own transaction.

    The channel layer carries it at once and may lose it; every process also reads the newest rows
    every few seconds and delivers what it has not seen. Rows are pruned after a few minutes.
    """

    frames = models.JSONField()
    at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("announcement")
        verbose_name_plural = _("announcements")

    def __str__(self) -> str:
        return f"{self.at:%H:%M:%S} · {len(self.frames)}"
