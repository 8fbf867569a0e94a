"""What does somebody send who wants to break something, or whose program does?"""

from __future__ import annotations

import json
import re

from hypothesis import strategies as st

TEXTS = [
    "",
    " ",
    "\x00",
    "a\x00b",
    "\r\nSet-Cookie: a=b",
    "\u202e\u200b\ufeff",
    "\U0001f469\u200d\U0001f680" * 50,
    "ﷺ" * 300,
    "x" * 7_000,
    "'",
    "' OR '1'='1",
    "%' --",
    "%",
    "_",
    "\\",
    '"><script>hit=1</script>',
    "{{7*7}}{% load x %}",
    "%(x)s %s {0}",
    "../../../etc/passwd",
    "javascript:hit=1",
    "//evil.example.org",
    "=1+1",
    "null",
    "undefined",
    "[]",
    "{}",
    "true",
    "-",
]
NUMBERS = [
    "0",
    "-1",
    "1",
    "2147483648",
    "9223372036854775807",
    "9223372036854775808",
    "9" * 400,
    "1e309",
    "NaN",
    "0x10",
    "1_000",
    "٣",
    "²",
    "½",
    " 1",
    "1.0",
    "+1",
    "2026-13-45",
    "0001-01-01",
    "9999-12-31T23:59:60Z",
]
KNOWN = [
    "1",
    "2",
    "open",
    "active",
    "live_chat",
    "available",
    "away",
    "-created",
    "duration",
    "internal",
    "public",
    "on",
]
"""Values that mean something somewhere, so that what comes behind the first check is reached too."""

values = st.one_of(st.sampled_from(TEXTS), st.sampled_from(NUMBERS), st.sampled_from(KNOWN), st.text(max_size=40))


def fields(names: list[str]) -> st.SearchStrategy[dict[str, list[str]]]:
    """Some of these names and some that nobody knows, each with some values."""
    known = st.sampled_from(names) if names else st.nothing()
    return st.dictionaries(
        known | st.sampled_from(["", "a[]", "__proto__", "queue-", "queue-x", "confirmed-", "\x00", "id"]),
        st.lists(values, min_size=1, max_size=3),
        max_size=6,
    )


places = {
    "int": st.sampled_from([0, 1, 2, 2**31, 2**63 - 1, 2**63, 10**30]),
    "uuid": st.uuids(),
    "str": st.sampled_from(["video", "x", "%00", "%F0%9F%92%A9", "a b", "..", "%FF"]),
    "path": st.sampled_from(["1", "x", "%00", "1_2F", "_FF", "9" * 30, "..%2F..", "1/2/3", "'", "%FF"]),
    "": st.sampled_from(["1", "x", "routing", "%00", "9" * 30, "%FF"]),
}
"""What stands in the places of an address, by the kind of place."""

RAW = ["q=%ff%fe", "%", "&&&=;", "q=%00&q=%u0041", "=" * 200, "a=1&" * 500]
"""Query strings and bodies that are no form at all."""

json_garbage = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | values,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
watch = st.fixed_dictionaries(
    {"type": st.sampled_from(["watch", "ping", "hello", "event", "", "close"])},
    optional=dict.fromkeys(("query", "topics", "since", "digest", "language", "x"), json_garbage),
)
HALF_A_SIGN = '{"type": "watch", "query": "state=\\ud800", "topics": ["\\udfff"], "since": -1, "digest": "\\ud800"}'
"""Well-formed, and no text: what can be spelled in JSON, and neither sent nor written down."""

frames = st.one_of(
    watch.map(json.dumps),
    json_garbage.map(json.dumps),
    st.text(max_size=60),
    st.sampled_from(
        [HALF_A_SIGN, "[" * 5000, '{"type":', "\x00", '"', '{"type": "watch", "query": "' + "a=1&" * 700 + '"}']
    ),
)
"""What a socket may be told."""


def names_in(html: str) -> set[str]:
    """The names of a page's fields and of what its links ask."""
    return set(re.findall(r'\sname="([^"]+)"', html)) | set(re.findall(r"[?&;](\w+)=", html))
