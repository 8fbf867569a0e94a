"""People: users with roles, and the agent profile of those who take work (domain.md 1.3, 1.4)."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from routing.models.capacity import CapacityProfile
from routing.models.presence import DECLINES, Presence, SetAfter, SetBy
from routing.models.skill import PROFICIENCY_MAX, PROFICIENCY_MIN, Skill
from supervisor_console.kernel.actor import Role


class User(AbstractUser):
    """A person who signs in. Deactivated, never deleted: history names people by this row."""

    class Meta(AbstractUser.Meta):
        permissions = [("view_all_queues", _("Can supervise every queue, not only the own ones"))]

    @property
    def display_name(self) -> str:
        """What others read: the full name, or the user name where there is none."""
        return self.get_full_name() or self.get_username()

    @cached_property
    def role_set(self) -> frozenset[Role]:
        """The roles this person holds, read once."""
        known = {role.value: role for role in Role}
        return frozenset(known[name] for name in self.groups.values_list("name", flat=True) if name in known)


class Agent(models.Model):
    """The profile of a person (or bot) who takes conversations.

    The current presence stands here, its history in ``PresenceChange``. ``left_presence`` is what it was
    when the last page of the agent went away, as long as nothing else changed it since. ``left_at`` is when they
    went away, until they are back; who never had a page, as the simulated ones, has not left.
    Load is not stored: it is derived from the conversations held (house-style.md 3).
    """

    user = models.OneToOneField(User, models.PROTECT, related_name="agent", verbose_name=_("person"))
    is_bot = models.BooleanField(_("bot"), default=False)
    max_units = models.PositiveIntegerField(_("capacity units"), default=100)
    profiles = models.ManyToManyField(
        CapacityProfile, through="routing.AgentProfile", blank=True, verbose_name=_("capacity profiles")
    )
    skills = models.ManyToManyField(Skill, through="routing.AgentSkill", blank=True, verbose_name=_("skills"))
    default_presence = models.ForeignKey(
        Presence,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("default presence"),
        help_text=_("Empty: Available."),
    )
    presence = models.ForeignKey(
        Presence, models.PROTECT, related_name="agents", verbose_name=_("presence"), editable=False
    )
    presence_since = models.DateTimeField(_("presence since"), default=timezone.now, editable=False)
    presence_set_by = models.CharField(
        _("presence set by"), max_length=16, choices=SetBy.choices, default=SetBy.SYSTEM, editable=False
    )
    presence_set_after = models.CharField(
        _("presence set after"), max_length=8, choices=SetAfter.choices, blank=True, editable=False
    )
    left_presence = models.ForeignKey(
        Presence, models.PROTECT, null=True, related_name="+", verbose_name=_("presence when they left"), editable=False
    )
    left_set_by = models.CharField(
        _("presence when they left, set by"), max_length=16, choices=SetBy.choices, blank=True, editable=False
    )
    left_set_after = models.CharField(
        _("presence when they left, set after"), max_length=8, choices=SetAfter.choices, blank=True, editable=False
    )
    left_at = models.DateTimeField(_("left"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("agent")
        verbose_name_plural = _("agents")
        indexes = [models.Index(fields=["left_at"], condition=Q(left_at__isnull=False), name="agent_left")]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """What others read."""
        return self.user.display_name

    @property
    def needs_reset(self) -> bool:
        """Whether the presence is held since a missed or rejected offer (domain.md 4.3)."""
        return self.presence_set_after in DECLINES


class AgentSkill(models.Model):
    """An agent holds a skill with a proficiency from 1 to 5."""

    agent = models.ForeignKey(Agent, models.CASCADE, related_name="agent_skills")
    skill = models.ForeignKey(Skill, models.PROTECT, related_name="agent_skills", verbose_name=_("skill"))
    proficiency = models.PositiveSmallIntegerField(_("proficiency"), default=3)

    class Meta:
        verbose_name = _("skill of an agent")
        verbose_name_plural = _("skills of an agent")
        constraints = [
            models.UniqueConstraint(fields=["agent", "skill"], name="agent_skill_unique"),
            models.CheckConstraint(
                condition=Q(proficiency__gte=PROFICIENCY_MIN, proficiency__lte=PROFICIENCY_MAX),
                name="agent_skill_proficiency_1_to_5",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.skill} {self.proficiency}"


class AgentProfile(models.Model):
    """An agent has a capacity profile, perhaps with a limit of their own."""

    agent = models.ForeignKey(Agent, models.CASCADE, related_name="agent_profiles")
    profile = models.ForeignKey(
        CapacityProfile, models.PROTECT, related_name="agent_profiles", verbose_name=_("profile")
    )
    custom_limit = models.PositiveIntegerField(
        _("limit of their own"), null=True, blank=True, help_text=_("Applies to new work only.")
    )

    class Meta:
        verbose_name = _("capacity profile of an agent")
        verbose_name_plural = _("capacity profiles of an agent")
        constraints = [models.UniqueConstraint(fields=["agent", "profile"], name="agent_profile_unique")]

    def __str__(self) -> str:
        return f"{self.agent} · {self.profile}"

    @property
    def limit(self) -> int:
        """The limit that holds for this agent."""
        return self.custom_limit if self.custom_limit is not None else self.profile.limit
