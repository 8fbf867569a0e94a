"""What do the administrators' pages share? Pages to look at only, and pages that say why something stays."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.db.models import PROTECT, ManyToManyRel, Model, ProtectedError
from django.db.models.fields.reverse_related import ForeignObjectRel
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from routing.services import staffing

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

M = TypeVar("M", bound=Model)

if TYPE_CHECKING:

    class _Admin(admin.ModelAdmin[M]): ...

    class _Inline(admin.TabularInline[M, Any]): ...

    class Form(forms.ModelForm[M]):
        """A form that names its model to the type checker."""

    class _FormSet(forms.BaseInlineFormSet[Any, Any, Any]): ...
else:
    # Django's own classes do not take the parameter when the program runs.
    class _Unchecked:
        def __class_getitem__(cls, item: object) -> type:
            return cls

    class _Admin(_Unchecked, admin.ModelAdmin):
        pass

    class _Inline(_Unchecked, admin.TabularInline):
        pass

    class Form(_Unchecked, forms.ModelForm):
        """A form that names its model to the type checker."""

    _FormSet = forms.BaseInlineFormSet


FILTER_LOOKUPS = frozenset({"exact", "isnull", "gte", "lt", "year", "month", "day"})
"""How Django's filters and its calendar ask. Others, ``regex`` above all, cost or break what a page shows to nobody."""


class ConsoleAdmin(_Admin[M], Generic[M]):
    """A list without counting twice and without deleting in bulk; deleting one asks ``why_not_delete`` first."""

    list_per_page = 50
    show_full_result_count = False
    save_on_top = False
    advice: ClassVar[str | _StrPromise] = ""
    """What to do instead of deleting what is in use."""
    list_title: ClassVar[str | _StrPromise] = ""
    """What the list is called, where that is not the plural of its rows."""

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Choices are made among what there is; what is missing has a page of its own."""
        return without_related_links(super().formfield_for_dbfield(db_field, request, **kwargs))

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """A list is asked what its own filters ask: what it does not show is not found out letter by letter either."""
        if "\x00" in str(value):  # PostgreSQL takes it in no text.
            return False
        filters: list[Any] = [*self.get_list_filter(request)]
        if lookup in {getattr(one, "parameter_name", None) for one in filters}:
            return True
        offered = [one if isinstance(one, str) else one[0] for one in filters if not isinstance(one, type)]
        for name in filter(None, [*offered, self.date_hierarchy]):
            if f"{lookup}__".startswith(f"{name}__"):
                kind = lookup.removeprefix(name).rpartition("__")[2] or "exact"
                return kind in FILTER_LOOKUPS and bool(super().lookup_allowed(lookup, value, request))
        return False

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Never several at once: each thing that stays has a reason of its own."""
        return {name: found for name, found in super().get_actions(request).items() if name != "delete_selected"}

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """A list is called what it lists."""
        title = self.list_title or capfirst(self.opts.verbose_name_plural)
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        """The way back to the list calls it as it calls itself."""
        return super().render_change_form(request, {**context, "list_title": self.list_title}, *args, **kwargs)

    def why_not_delete(self, obj: M) -> str:
        """Why this stays, as a sentence; empty if it may be deleted."""
        users = in_use_by(obj)
        if not users:
            return ""
        sentence = _("“%(name)s” is in use (%(users)s) and stays.") % {"name": obj, "users": ", ".join(users)}
        return f"{sentence} {self.advice}".rstrip()

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Say why it stays, or ask and delete."""
        obj = self.get_object(request, unquote(object_id))
        if obj is None or not self.has_view_permission(request, obj):
            return super().delete_view(request, object_id, extra_context)
        why = self.why_not_delete(obj)
        if not why:
            try:
                return super().delete_view(request, object_id, extra_context)
            except ProtectedError:
                # Somebody began to use it between the question and the answer.
                why = self.why_not_delete(obj)
        messages.error(request, why)
        return HttpResponseRedirect(change_url(obj, self.admin_site.name))


class KeptAdmin(ConsoleAdmin[M], Generic[M]):
    """Rows that stay for ever because history names them."""

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """Nobody's."""
        return False

    def why_not_delete(self, obj: M) -> str:
        """The same reason for every row."""
        return str(self.advice)


class TellingAdmin(ConsoleAdmin[M], Generic[M]):
    """Pages that change what agents can take: it is told after the page's own transaction (domain.md 1.2)."""

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """The page; then an action of its own, because distribution takes locks and announces."""
        response = super().changeform_view(request, object_id, form_url, extra_context)
        changed = changed_agents(request)
        if changed:
            staffing.agents_changed(changed)
        return response


def changed_agents(request: HttpRequest) -> set[int]:
    """The agents whom this request changed; pages add to it."""
    found: set[int] = vars(request).setdefault("changed_agents", set())
    return found


def counted(row: Model, name: str) -> int:
    """A number that the query of the list counted for this row, by its name there."""
    return int(getattr(row, name))


class ReadOnlyAdmin(KeptAdmin[M], Generic[M]):
    """Rows that the product writes: they are looked at, and that is all, also for a superuser."""

    advice = gettext_lazy("This is written by the product. It can be read here, not changed or deleted.")
    list_select_related: ClassVar[Any] = ()
    change_form_template = "admin/read_only.html"
    actions: Any = None

    def get_queryset(self, request: HttpRequest) -> Any:
        """With what the page prints of each row, so that a page needs no query per row."""
        return super().get_queryset(request).select_related(*self.list_select_related)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody's."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """Nobody's."""
        return False


class ConsoleFormSet(_FormSet):
    """Rows of a table, whose controls have names of their own: a column's head is no label to a screen reader."""

    def add_fields(self, form: Any, index: int | None) -> None:
        """Name each control as its column."""
        super().add_fields(form, index)
        for field in form.fields.values():
            widget = getattr(field.widget, "widget", field.widget)
            widget.attrs.setdefault("aria-label", capfirst(field.label or ""))


class ConsoleInline(_Inline[M], Generic[M]):
    """Rows inside a form; every select among them is filled by one query, not by one per row."""

    extra = 0
    formset = ConsoleFormSet

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """As on the pages themselves."""
        return without_related_links(super().formfield_for_dbfield(db_field, request, **kwargs))

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """The choices, read once for the whole inline."""
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if isinstance(field, forms.ModelChoiceField):
            field.choices = list(cast(Iterable[Any], field.choices))
        return field


class ReadOnlyInline(_Inline[M], Generic[M]):
    """Rows of the record, under the row to which they belong."""

    extra = 0
    max_num = 0
    can_delete = False
    show_change_link = False
    related: ClassVar[tuple[str, ...]] = ()

    def get_queryset(self, request: HttpRequest) -> Any:
        """Oldest first, with what is printed of each row."""
        return super().get_queryset(request).select_related(*self.related).order_by("pk")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody's."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody's."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody's."""
        return False


def without_related_links(field: Any) -> Any:
    """A choice without Django's four links beside it, which lead away from a form that is half filled in."""
    widget = getattr(field, "widget", None)
    if isinstance(widget, RelatedFieldWidgetWrapper):
        widget.can_add_related = widget.can_change_related = False
        widget.can_delete_related = widget.can_view_related = False
    return field


def in_use_by(obj: Model) -> list[str]:
    """The kinds of rows that keep this one from being deleted, by name."""
    found = {
        str(capfirst(relation.related_model._meta.verbose_name_plural))
        for relation in _keeping(obj)
        if relation.related_model._base_manager.filter(**{relation.field.name: obj}).exists()
    }
    return sorted(found)


def _keeping(obj: Model) -> Iterable[Any]:
    """The relations that keep a row: protecting keys, and plain lists (whose rows would silently vanish)."""
    for relation in obj._meta.get_fields(include_hidden=True):
        if isinstance(relation, ManyToManyRel):
            if relation.through is not None and relation.through._meta.auto_created:
                yield relation
        elif isinstance(relation, ForeignObjectRel) and relation.on_delete is PROTECT:
            yield relation


def change_url(obj: Model, site: str = "admin") -> str:
    """The page of a row."""
    meta = obj._meta
    return reverse(f"{site}:{meta.app_label}_{meta.model_name}_change", args=[quote(obj.pk)])
