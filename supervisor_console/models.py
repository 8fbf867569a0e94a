"""What the kernel keeps in the database: outbox, requests that were carried out, attempts, signs of life, a cache."""

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


class IdempotencyKey(models.Model):
    """A request that was carried out, and the event that came of it, written in the same transaction.

    The same person sending the same key for the same thing again gets that event, and nothing happens twice.
    """

    who = models.CharField(max_length=40)
    key = models.CharField(max_length=64)
    what = models.CharField(max_length=32)
    outcome = models.JSONField(default=dict)
    at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("idempotency key")
        verbose_name_plural = _("idempotency keys")
        constraints = [models.UniqueConstraint(fields=["who", "key", "what"], name="idempotency_key_once")]

    def __str__(self) -> str:
        return f"{self.at:%H:%M:%S} · {self.who}"


class Heartbeat(models.Model):
    """A process that does the background work, and how its latest rounds went; written by the process itself."""

    process = models.CharField(max_length=120, primary_key=True)
    kind = models.CharField(max_length=10)
    started_at = models.DateTimeField()
    at = models.DateTimeField(db_index=True)
    seconds = models.FloatField(default=0.0)
    done = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        verbose_name = _("heartbeat")
        verbose_name_plural = _("heartbeats")

    def __str__(self) -> str:
        return f"{self.process} · {self.at:%H:%M:%S}"


class Attempt(models.Model):
    """Somebody tried what may not be tried as often as one likes; kept until it counts no more.

    ``who`` is a keyed hash: it tells two addresses or names apart, and is neither.
    """

    what = models.CharField(max_length=20)
    who = models.CharField(max_length=32)
    at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        indexes = [models.Index(fields=["what", "who", "-at"], name="attempt_latest")]

    def __str__(self) -> str:
        return f"{self.what} · {self.at:%H:%M:%S}"


class Cached(models.Model):
    """What Django's cache keeps for a while, for all processes: the columns are those of its database cache."""

    cache_key = models.CharField(max_length=255, primary_key=True)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("cached value")
        verbose_name_plural = _("cached values")

    def __str__(self) -> str:
        return f"{self.expires:%H:%M:%S}"
