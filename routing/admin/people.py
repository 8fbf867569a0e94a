"""Who are the people, and what may they do? Users and roles (domain.md 1.3)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, cast

from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import FilteredSelectMultiple
from django.contrib.auth import admin as auth_admin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group, Permission
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from routing.admin.common import Form, KeptAdmin, change_url, counted
from routing.models import Agent, User
from routing.selectors import VIEW_ALL_QUEUES
from routing.services import staffing
from supervisor_console.kernel import clock
from supervisor_console.kernel.actor import Role

if TYPE_CHECKING:

    class _UserAdmin(auth_admin.UserAdmin[User]): ...

    class _ChangeForm(UserChangeForm[User]): ...

    class _CreationForm(AdminUserCreationForm[User]): ...
else:
    _UserAdmin, _ChangeForm, _CreationForm = auth_admin.UserAdmin, UserChangeForm, AdminUserCreationForm

admin.site.unregister(Group)

ROLE_TEXTS = (
    (Role.AGENT, gettext_lazy("Agent: takes conversations at the desk")),
    (Role.SUPERVISOR, gettext_lazy("Supervisor: watches and steers ongoing conversations")),
    (Role.ADMINISTRATOR, gettext_lazy("Administrator: sets up the console, does not see into conversations")),
    (Role.API_ACCESS, gettext_lazy("API access: for programs, never beside another role")),
)
VIEW_ALL_CODENAME = VIEW_ALL_QUEUES.partition(".")[2]


def view_all_queues() -> Permission:
    """The permission to supervise every queue (domain.md D13)."""
    return Permission.objects.get(codename=VIEW_ALL_CODENAME, content_type__app_label="routing")


class RolesForm(forms.Form):
    """The roles of one person, and how far a supervisor sees."""

    roles = forms.MultipleChoiceField(
        label=gettext_lazy("Roles"),
        choices=[(role.value, text) for role, text in ROLE_TEXTS],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    sees_all_queues = forms.BooleanField(
        label=gettext_lazy("Supervises every queue"),
        required=False,
        help_text=gettext_lazy(
            "For a supervisor whose role is limited to the own queues. Without effect while the role itself sees "
            "every queue (see Roles)."
        ),
    )
    editor: ClassVar[User]
    """Who fills in the form; set by the page."""

    instance: User
    """Whose form it is; the model forms below bring it."""

    def clean_roles(self) -> frozenset[Role]:
        """Roles that go together, and an administrator who does not lock themselves out."""
        roles = frozenset(Role(value) for value in self.cleaned_data["roles"])
        refusal = staffing.why_not_roles(roles)
        if refusal is not None:
            raise forms.ValidationError(refusal.sentence, code=refusal.code)
        if self.instance.pk == self.editor.pk and Role.ADMINISTRATOR in self.editor.role_set - roles:
            raise forms.ValidationError(OWN_ROLE, code="own_administrator_role")
        return roles

    def clean_is_active(self) -> bool:
        """Nobody deactivates themselves."""
        is_active = bool(self.cleaned_data["is_active"])
        if not is_active and self.instance.pk == self.editor.pk:
            raise forms.ValidationError(
                _("You cannot deactivate yourself. Ask another administrator."), code="own_deactivation"
            )
        return is_active


OWN_ROLE = gettext_lazy("You cannot take the administrator role from yourself. Ask another administrator.")


class PersonForm(RolesForm, _ChangeForm):
    """A person who exists."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["roles"] = [role.value for role in self.instance.role_set]
        self.initial["sees_all_queues"] = self.instance.user_permissions.filter(codename=VIEW_ALL_CODENAME).exists()
        if "is_active" in self.fields:
            self.fields["is_active"].help_text = _("Off: they cannot log in and get no work. What they did stays.")


class NewPersonForm(RolesForm, _CreationForm):
    """A person who begins."""


class RoleFilter(admin.SimpleListFilter):
    """People by role."""

    title = gettext_lazy("role")
    parameter_name = "role"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The four roles, and people without any."""
        return [*((role.value, role.value) for role in Role), ("none", _("No role"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> QuerySet[User]:
        """Those who hold the chosen role."""
        if self.value() == "none":
            return queryset.filter(groups=None)
        return queryset.filter(groups__name=self.value()) if self.value() else queryset


@admin.register(User)
class PersonAdmin(KeptAdmin[User], _UserAdmin):
    """People: created with their roles, deactivated when they leave, never deleted."""

    advice = gettext_lazy("People are deactivated, never deleted: history names them. Clear “Active” instead.")
    list_title = gettext_lazy("People")
    form = PersonForm
    add_form = NewPersonForm
    list_display = ("username", "full_name", "roles", "agent_page", "is_active", "last_login")
    list_filter = (RoleFilter, "is_active")
    search_fields = ("username", "first_name", "last_name", "email")
    search_help_text = gettext_lazy("User name, name or e-mail address")
    ordering = ("username",)
    filter_horizontal = ()
    actions = ("deactivate", "activate", "remove_second_factor")
    readonly_fields = ("agent_page", "second_factor", "last_login", "date_joined")
    add_fieldsets = (
        (None, {"fields": ("username", "first_name", "last_name", "email")}),
        (
            gettext_lazy("Roles"),
            {
                "fields": ("roles", "sees_all_queues"),
                "description": gettext_lazy("An agent gets a profile with 100 capacity units; its page follows."),
            },
        ),
        (gettext_lazy("Password"), {"fields": ("usable_password", "password1", "password2")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """With what a row of the list prints."""
        return super().get_queryset(request).select_related("agent").prefetch_related("groups")

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Superusers stand outside the roles: only one of them sees and grants that."""
        if obj is None:
            return self.add_fieldsets
        account = ("is_active", "is_superuser") if request.user.is_superuser else ("is_active",)
        return (
            (None, {"fields": ("username", "password", "first_name", "last_name", "email")}),
            (gettext_lazy("Roles"), {"fields": ("roles", "sees_all_queues", "agent_page")}),
            (gettext_lazy("Account"), {"fields": (*account, "second_factor", "last_login", "date_joined")}),
        )

    def get_form(self, request: HttpRequest, obj: User | None = None, change: bool = False, **kwargs: Any) -> Any:
        """The form, which knows who fills it in."""
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (form,), {"editor": request.user})

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """An administrator cannot take over the account of a superuser."""
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return False
        return super().has_change_permission(request, obj)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Roles and scope; somebody who becomes an agent gets the profile that an agent needs."""
        super().save_related(request, form, formsets, change)
        user: User = form.instance
        roles: frozenset[Role] = form.cleaned_data["roles"]
        staffing.set_roles(user, roles)
        if form.cleaned_data["sees_all_queues"]:
            user.user_permissions.add(view_all_queues())
        else:
            user.user_permissions.remove(view_all_queues())
        if Role.AGENT in roles and not Agent.objects.filter(user=user).exists():
            agent = staffing.add_agent_profile(user.pk, max_units=100, is_bot=False, now=clock.now())
            text = _("{name} now has an agent profile. <a href='{url}'>Choose queues, skills and capacity</a>")
            messages.info(request, format_html(text, name=user.display_name, url=change_url(agent)))

    @admin.display(description=gettext_lazy("name"), ordering="first_name")
    def full_name(self, user: User) -> str:
        """What others read."""
        return user.get_full_name()

    @admin.display(description=gettext_lazy("roles"))
    def roles(self, user: User) -> str:
        """The roles, from the prefetched groups."""
        return ", ".join(sorted(group.name for group in user.groups.all()))

    @admin.display(description=gettext_lazy("agent profile"))
    def agent_page(self, user: User) -> str:
        """A link to the agent profile, where there is one."""
        agent = getattr(user, "agent", None)
        if agent is None:
            return ""
        return format_html("<a href='{}'>{}</a>", change_url(agent), _("Queues, skills, capacity"))

    @admin.action(description=gettext_lazy("Deactivate the selected people"), permissions=["change"])
    def deactivate(self, request: HttpRequest, people: QuerySet[User]) -> None:
        """Nobody of them can log in or be given work from now on; what they did stays."""
        self._set_active(request, people.exclude(pk=cast(User, request.user).pk), is_active=False)

    @admin.action(description=gettext_lazy("Activate the selected people"), permissions=["change"])
    def activate(self, request: HttpRequest, people: QuerySet[User]) -> None:
        """They can log in again."""
        self._set_active(request, people, is_active=True)

    @admin.display(description=gettext_lazy("second factor"))
    def second_factor(self, user: User) -> str:
        """Since when they have one, if they do."""
        found = Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).first()
        return date_format(found.created_at, "DATETIME_FORMAT") if found is not None else _("Not set up")

    @admin.action(
        description=gettext_lazy("Remove the second factor of the selected people (a lost phone)"),
        permissions=["change"],
    )
    def remove_second_factor(self, request: HttpRequest, people: QuerySet[User]) -> None:
        """They log in with the password alone from now on, and set up another one if their role needs it."""
        others = people.exclude(pk=cast(User, request.user).pk)  # The own one is removed on the own account page.
        chosen = [user for user in others if self.has_change_permission(request, user)]
        had = set(Authenticator.objects.filter(user__in=chosen).values_list("user_id", flat=True))
        Authenticator.objects.filter(user__in=had).delete()
        for user in chosen:
            if user.pk in had:
                self.log_change(request, user, [{"changed": {"fields": [str(_("Second factor"))]}}])
        text = ngettext("%(count)d second factor was removed.", "%(count)d second factors were removed.", len(had))
        messages.success(request, text % {"count": len(had)})

    def _set_active(self, request: HttpRequest, people: Iterable[User], *, is_active: bool) -> None:
        changed = [user for user in people if user.is_active != is_active and self.has_change_permission(request, user)]
        User.objects.filter(pk__in=[user.pk for user in changed]).update(is_active=is_active)
        for user in changed:
            self.log_change(request, user, [{"changed": {"fields": [str(_("Active"))]}}])
        text = ngettext("%(count)d person was changed.", "%(count)d people were changed.", len(changed))
        messages.success(request, text % {"count": len(changed)})


class RoleForm(Form[Group]):
    """Who holds a role, and for supervisors how far it sees."""

    people = forms.ModelMultipleChoiceField(
        User.objects.order_by("username"),
        label=gettext_lazy("People"),
        required=False,
        widget=FilteredSelectMultiple(gettext_lazy("people"), is_stacked=False),
    )
    sees_all_queues = forms.BooleanField(
        label=gettext_lazy("Supervisors supervise every queue"),
        required=False,
        help_text=gettext_lazy("Off: each supervisor sees the queues of which they are a member."),
    )
    editor: ClassVar[User]
    """Who fills in the form; set by the page."""

    class Meta:
        model = Group
        fields: ClassVar[list[str]] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.role = Role(self.instance.name)
        self.initial["people"] = list(self.instance.user_set.values_list("pk", flat=True))
        if self.role == Role.SUPERVISOR:
            self.initial["sees_all_queues"] = self.instance.permissions.filter(codename=VIEW_ALL_CODENAME).exists()
        else:
            del self.fields["sees_all_queues"]

    def clean_people(self) -> QuerySet[User]:
        """API access stays alone, from this side too (P4); administrators do not lock themselves out."""
        people: QuerySet[User] = self.cleaned_data["people"].prefetch_related("groups")
        conflicts = {
            user.display_name: refusal for user in people if (refusal := staffing.why_not_roles(self._roles(user)))
        }
        if conflicts:
            first = next(iter(conflicts.values()))
            raise forms.ValidationError(f"{first.sentence} ({', '.join(conflicts)})", code=first.code)
        is_own = self.role == Role.ADMINISTRATOR and Role.ADMINISTRATOR in self.editor.role_set
        if is_own and self.editor.pk not in {user.pk for user in people}:
            raise forms.ValidationError(str(OWN_ROLE), code="own_administrator_role")
        return people

    def _roles(self, user: User) -> frozenset[Role]:
        """What this person would hold."""
        held = {group.name for group in user.groups.all()}
        return frozenset(role for role in Role if role.value in held or role == self.role)

    def give(self) -> None:
        """Make these, and nobody else, the holders of the role."""
        chosen = {user.pk: user for user in self.cleaned_data["people"]}
        held = {user.pk: user for user in User.objects.filter(groups=self.instance)}
        for pk in chosen.keys() - held.keys():
            staffing.set_roles(chosen[pk], chosen[pk].role_set | {self.role})
        for pk in held.keys() - chosen.keys():
            staffing.set_roles(held[pk], held[pk].role_set - {self.role})
        if self.role == Role.SUPERVISOR:
            if self.cleaned_data["sees_all_queues"]:
                self.instance.permissions.add(view_all_queues())
            else:
                self.instance.permissions.remove(view_all_queues())


@admin.register(Group)
class RoleAdmin(KeptAdmin[Group]):
    """The four roles: they come with the product, so there is no other and none goes."""

    advice = gettext_lazy("Roles come with the product and stay. Take the people out of it instead.")
    list_title = gettext_lazy("Roles")
    form = RoleForm
    list_display = ("name", "meaning", "people_count")
    search_fields = ("name",)
    ordering = ("name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        """Only the product's roles, with how many people hold each."""
        roles = super().get_queryset(request).filter(name__in=[role.value for role in Role])
        return roles.annotate(people=Count("user", filter=Q(user__is_active=True)))

    def get_fieldsets(self, request: HttpRequest, obj: Group | None = None) -> Any:
        """The scope stands with the role that has one."""
        is_supervisor = obj is not None and obj.name == Role.SUPERVISOR.value
        return ((None, {"fields": ("people", "sees_all_queues") if is_supervisor else ("people",)}),)

    def get_form(self, request: HttpRequest, obj: Group | None = None, change: bool = False, **kwargs: Any) -> Any:
        """The form, which knows who fills it in."""
        form = super().get_form(request, obj, change, **kwargs)
        return type(form.__name__, (form,), {"editor": request.user})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Called roles, not groups."""
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "title": _("Role")})

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Who looks after people looks after their roles."""
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody's."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        """Who looks after people looks after their roles."""
        return cast(User, request.user).has_perm("routing.view_user") or self.has_change_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        """Who looks after people looks after their roles."""
        return cast(User, request.user).has_perm("routing.change_user")

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Give and take the role, person by person."""
        super().save_related(request, form, formsets, change)
        form.give()

    @admin.display(description=gettext_lazy("what it is for"))
    def meaning(self, group: Group) -> str:
        """The text of the role, without its name."""
        return str(dict(ROLE_TEXTS)[Role(group.name)]).partition(": ")[2]

    @admin.display(description=gettext_lazy("active people"), ordering="people")
    def people_count(self, group: Group) -> int:
        """How many hold it."""
        return counted(group, "people")
