"""What a browser sends that opened a page of the administrators, changed some values, and pressed Save."""

from typing import Any

from django.forms import BaseForm
from django.test import Client

Answer = Any
"""What the test client returns: a response that remembers context and redirects."""


def sent(client: Client, url: str, **changes: Any) -> dict[str, Any]:
    """The values of every form on the page, inlines included, with the changes in place; None leaves one out."""
    context = client.get(url).context
    data: dict[str, Any] = dict(_values(context["adminform"].form))
    for inline in context["inline_admin_formsets"]:
        data |= dict(_values(inline.formset.management_form))
        for form in inline.formset.forms:
            data |= dict(_values(form))
    return {name: value for name, value in (data | changes).items() if value is not None}


def save(client: Client, url: str, **changes: Any) -> Answer:
    """Open the page, change the values, save, and go where that leads."""
    return client.post(url, sent(client, url, **changes), follow=True)


def errors(answer: Answer) -> dict[str, list[str]]:
    """The sentences at the fields of the main form."""
    return {name: list(found) for name, found in answer.context["adminform"].form.errors.items()}


def inline_errors(answer: Answer) -> list[str]:
    """The sentences in the inlines."""
    return [
        str(sentence)
        for inline in answer.context["inline_admin_formsets"]
        for found in inline.formset.errors
        for sentences in found.values()
        for sentence in sentences
    ]


def said(answer: Answer) -> list[str]:
    """The messages on the page."""
    return [str(message) for message in answer.context["messages"]]


def _values(form: BaseForm) -> Any:
    for name, field in form.fields.items():
        value = form.get_initial_for_field(field, name)
        if value is not None and value is not False:
            yield form.add_prefix(name), "on" if value is True else getattr(value, "pk", value)
