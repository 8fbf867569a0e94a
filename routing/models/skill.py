"""Skills that agents hold and conversations require (domain.md 1.5)."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

PROFICIENCY_MIN = 1
PROFICIENCY_MAX = 5


class Skill(models.Model):
    """A skill: a type («Language») and a name («French»)."""

    type = models.CharField(_("type"), max_length=60)
    name = models.CharField(_("name"), max_length=60)

    class Meta:
        verbose_name = _("skill")
        verbose_name_plural = _("skills")
        constraints = [models.UniqueConstraint(fields=["type", "name"], name="skill_type_and_name_unique")]

    def __str__(self) -> str:
        return f"{self.type}: {self.name}"
