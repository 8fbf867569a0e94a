"""Which small components does a template print on every row? Their markup is in templates/components/.

A table prints the same avatar, status or icon many times: each is rendered once per distinct set of values and
language, and kept. Everything here takes plain values; templates/components/README.md is the contract.
"""

import json
import uuid
from functools import lru_cache
from html import escape
from typing import Final

from django import template
from django.conf import settings
from django.template.base import Parser, Token
from django.template.loader import get_template
from django.templatetags.static import static
from django.urls import get_script_prefix
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from supervisor_console.kernel import idempotency
from supervisor_console.kernel.requests import request_id, request_path

register = template.Library()

STATUS_ICONS: Final = {
    "open": "circle-dashed",
    "offered": "bell-ring",
    "active": "circle-dot",
    "waiting": "hourglass",
    "wrap_up": "clipboard-check",
    "closed": "circle-check",
}
CHANNEL_ICONS: Final = {
    "live_chat": "message-circle",
    "persistent_chat": "messages-square",
    "async_messaging": "message-square-text",
    "whatsapp": "message-square-text",
    "sms": "smartphone",
    "voice": "phone",
    "record": "file-text",
}
SENTIMENT_CODES: Final = {
    0: "none",
    7: "very_negative",
    8: "negative",
    9: "slightly_negative",
    10: "neutral",
    11: "slightly_positive",
    12: "positive",
    13: "very_positive",
}
LEVEL_ICONS: Final = {"info": "info", "success": "circle-check", "warn": "triangle-alert", "error": "circle-x"}
MODE_ICONS: Final = {
    "monitoring": "eye",
    "joined": "users",
    "paused": "pause",
    "idle": "eye-off",
    "ended": "circle-check",
}

Pairs = tuple[tuple[str, str], ...]


@lru_cache(maxsize=8192)
def _kept(name: str, language: str | None, pairs: Pairs) -> SafeString:
    return mark_safe(get_template(f"components/{name}.html").render(dict(pairs)).strip())  # noqa: S308  Rendered with escaping.


def _component(template_name: str, /, **values: object) -> SafeString:
    pairs = tuple((key, "" if value is None else str(value)) for key, value in values.items())
    if settings.DEBUG:
        return _kept.__wrapped__(template_name, get_language(), pairs)
    return _kept(template_name, get_language(), pairs)


@lru_cache(maxsize=512)
def _icon(name: str, size: str) -> SafeString:
    classes = f"i {size}".rstrip()
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="{}#i-{}"/></svg>', classes, static("img/icons.svg"), name
    )


@register.simple_tag
def icon(name: str, size: str = "") -> SafeString:
    """A symbol of the sprite; decoration only, so the words beside it carry the meaning."""
    return _icon(name, size)


@register.simple_tag
def level_icon(level: str, size: str = "") -> SafeString:
    return icon(LEVEL_ICONS.get(level, "info"), size)


@register.simple_tag
def mode_icon(mode: str, size: str = "") -> SafeString:
    return icon(MODE_ICONS.get(mode, "eye"), size)


@register.simple_tag
def avatar(initials: str, presence: str = "", presence_label: str = "", size: str = "") -> SafeString:
    return _component("_avatar", initials=initials, presence=_presence_code(presence), label=presence_label, size=size)


@register.simple_tag
def agent(name: str | None, initials: str = "", presence: str = "", presence_label: str = "") -> SafeString:
    return _component("_agent", name=name, initials=initials, presence=_presence_code(presence), label=presence_label)


@register.simple_tag
def presence(code: str, label: str) -> SafeString:
    return _component("_presence", presence=_presence_code(code), label=label)


@register.simple_tag
def status(code: str, label: str) -> SafeString:
    return _component("_status", code=code, label=label, icon=STATUS_ICONS.get(code, "circle-dot"))


@register.simple_tag
def channel(code: str, label: str) -> SafeString:
    return _component("_channel", label=label, icon=CHANNEL_ICONS.get(code, "message-square-text"))


@register.simple_tag
def sentiment(code: str | int | None, label: str) -> SafeString:
    """The seven steps of domain.md 1.5, by code or by number (7 … 13, and 0 for not available)."""
    step = SENTIMENT_CODES.get(code, "none") if isinstance(code, int) else str(code or "none")
    return _component("_sentiment", code=step, label=label)


@register.simple_tag
def badge(text: str, kind: str = "", icon: str = "", title: str = "") -> SafeString:
    return _component("_badge", text=text, kind=kind, icon=icon, title=title or text)


@register.simple_tag
def clock(
    text: str, since: str | None = "", warn: int | str | None = "", urgent: int | str | None = "", band: str = ""
) -> SafeString:
    """A time that the browser keeps running; the text is what it was when the server wrote it."""
    before, *around, after = _clock_frame(bool(since), warn or "", urgent or "", band)
    start = escape(since or "")
    found = start.join([before, *around]) if around else before
    return mark_safe(f"{found}{escape(text)}{after}")  # noqa: S308  The frame and both values are escaped.


@lru_cache(maxsize=512)
def _clock_frame(runs: bool, warn: int | str, urgent: int | str, band: str) -> tuple[str, ...]:
    """What stands around a clock's own values, its start (twice, if it runs) and its text: many clocks share it."""
    start = format_html(' datetime="\0" data-since="\0" data-warn="{}" data-urgent="{}"', warn, urgent) if runs else ""
    mark = icon("triangle-alert" if band == "urgent" else "clock-alert", "s") if runs or band else ""
    classes = f"clock {band}".rstrip()
    return tuple(format_html('<span class="{}">{}<time{}>\0</time></span>', classes, mark, start).split("\0"))


@register.simple_tag
def capacity(used: int, maximum: int) -> SafeString:
    """Used and greatest load; more than the maximum is said in words (domain.md 1.4: it may be exceeded)."""
    over = max(0, used - maximum)
    words = ngettext("over by %(units)d unit", "over by %(units)d units", over) % {"units": over} if over else ""
    percent = min(100, used * 100 // maximum) if maximum > 0 else 100
    tone = "full" if percent >= 100 else "high" if percent >= 70 else ""
    return _component("_capacity", used=used, maximum=maximum, percent=max(0, percent), tone=tone, over=words)


def _presence_code(code: str | None) -> str:
    return {"busy_dnd": "dnd", "busy-dnd": "dnd", "do_not_disturb": "dnd"}.get(code or "", code or "")


@register.simple_tag
def idempotency_key() -> SafeString:
    """The hidden field by which a form that is sent twice is recognised; belongs into every form of a verb."""
    return format_html('<input type="hidden" name="{}" value="{}">', idempotency.FIELD, uuid.uuid4())


CUSTOMERS_PAGES: Final = ("/chat/", "/call/")
"""Written out, because an error page must stand when addresses cannot be looked up."""


@register.simple_tag
def way_back() -> dict[str, str]:
    """Where an error page leads: a customer back to the chat, everybody else to the console."""
    if request_path().startswith(CUSTOMERS_PAGES):
        return {"url": CUSTOMERS_PAGES[0], "label": _("Back to the chat")}
    return {"url": "/", "label": _("Back to the console")}


@register.simple_tag
def request_reference() -> str:
    """The id under which the log knows this request; an error page shows it. Needs nothing of the context."""
    return request_id()


@register.simple_tag
def ui_texts() -> SafeString:
    """The sentences that the scripts show, translated, as a data block."""
    return _ui_texts(get_language())


@lru_cache(maxsize=64)
def _ui_texts(language: str | None) -> SafeString:
    texts = {
        "live": _("Live"),
        "connecting": _("Connecting …"),
        "reconnecting": _("Reconnecting …"),
        "paused": _("Paused"),
        "late_by": _("Behind"),
        "delayed": _("Live, delayed"),
        "pause": _("Pause updates"),
        "resume": _("Resume updates"),
        "updated": _("Last updated"),
        "banner_broken": _("The connection is interrupted. What you see may be out of date; it heals by itself."),
        "banner_signed_out": _("You are signed out, or no longer allowed to see this."),
        "log_in": _("Log in"),
        "offer_go": _("Go to the offer"),
        "update_one": _("1 update"),
        "update_many": _("{n} updates"),
        "update_paused": _("Updates are waiting"),
        "selected_none": _("Nothing selected"),
        "selected_one": _("1 selected"),
        "selected_many": _("{n} selected"),
        "nothing_selected": _("Select a conversation first."),
        "multiple_selected": _("This works for one conversation at a time. Select only one."),
        "close": _("Close"),
        "cancel": _("Cancel"),
        "go_on": _("Continue"),
        "open": _("Open"),
        "dismiss": _("Dismiss"),
        "failed": _("That did not work. Nothing was changed; try again."),
        "reference": _("Reference: {id}"),
        "failed_network": _("The server cannot be reached. Try again in a moment: nothing is done twice."),
        "forbidden": _("That is not allowed, or this page is too old. Reload it and try again."),
        "not_found": _("That is no longer here, or not visible to you."),
        "too_long": _("The server takes long to answer. Try again."),
        "new_messages": _("New messages"),
        "typing_one": _("{name} is typing …"),
        "typing_many": _("{name} are typing …"),
        "public_mode": _("The customer reads what you write here."),
        "shortcuts": _("Keyboard"),
        "late": _("Time is up"),
        "at_risk": _("At risk"),
        "critical": _("Critical"),
    }
    # Escaped as json_script does it, so that no text can end the block.
    data = json.dumps(texts, ensure_ascii=False).translate(
        {ord("<"): "\\u003C", ord(">"): "\\u003E", ord("&"): "\\u0026"}
    )
    return mark_safe(f'<script type="application/json" id="ui-texts">{data}</script>')  # noqa: S308  Escaped above.


# --- what every page has -----------------------------------------------------------------------------------------


class Once(template.Node):
    """A part of a template that knows nothing but the language and the values named for it."""

    def __init__(self, nodelist: template.NodeList, names: list[str]) -> None:
        self.nodelist = nodelist
        self.names = names
        self.kept: dict[tuple[str | None, ...], SafeString] = {}

    def render(self, context: template.Context) -> SafeString:
        values = {name: context.get(name, "") for name in self.names}
        key = get_language(), get_script_prefix(), *map(str, values.values())
        found = self.kept.get(key)
        if found is None or settings.DEBUG:
            found = self.kept[key] = self.nodelist.render(context.new(values))
        return found


@register.tag
def once(parser: Parser, token: Token) -> Once:
    """``{% once name … %}…{% endonce %}``: rendered once for these values of few kinds, and then the same for all.

    Nothing else of the context is there, so that nobody gets to see what was rendered for somebody.
    """
    names = token.split_contents()[1:]
    nodelist = parser.parse(("endonce",))
    parser.delete_first_token()
    return Once(nodelist, names)
