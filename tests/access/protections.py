"""Would a protection be missed? Each of these is taken out of a copy of the console, and its test has to notice.

`python -m tests.access.protections [WORDS]` does so one by one, about half a minute each; with `--write` it tries
all, and writes down what came of it (`page.py`). The suite only looks whether each still fits.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.access import page
from tests.servers import ROOT


@dataclass(frozen=True, slots=True)
class Protection:
    """What stands in an attacker's way: where it is, what becomes of it when it is taken out, and who notices."""

    name: str
    file: str
    before: str
    after: str
    test: str

    def taken_out(self, source: str) -> str:
        """The file without it; it fits in one place only."""
        assert source.count(self.before) == 1, f"{self.file} has not one place for: {self.name}"
        return source.replace(self.before, self.after)


TABLE = "tests/access/test_who_may_what.py::test_every_role_is_let_in_where_the_table_says_and_nowhere_else"
ADMIN = "tests/access/test_who_may_what.py::test_the_administration_is_the_administrators_"
HEADERS = "tests/platform/test_headers.py::test_every_answer_carries_every_header"
SOCKETS = "tests/access/test_who_hears_what.py::"
SESSIONS = "tests/access/test_sessions.py::"
LIMITS = "tests/platform/test_limits.py::"
GUESSING = "tests/accounts/test_guessing.py::"
FACTOR = "tests/accounts/test_second_factor.py::"

PROTECTIONS = (
    # Who may what.
    Protection(
        "a page for supervisors asks who is one",
        "conversations/views/access.py",
        "if not actor.is_supervisor:",
        "if False:",
        TABLE,
    ),
    Protection(
        "the desk asks who is an agent", "conversations/views/access.py", "if not actor.is_agent:", "if False:", TABLE
    ),
    Protection(
        "a supervisor sees the conversations of the own queues",
        "conversations/selectors.py",
        "    if sees_all(actor):\n        return Conversation.objects.all()\n    scope = Q()",
        "    if actor.is_supervisor:\n        return Conversation.objects.all()\n    scope = Q()",
        TABLE,
    ),
    Protection(
        "the administration is for administrators",
        "supervisor_console/admin_site.py",
        "    site_header = _(",
        "    def has_permission(self, request: HttpRequest) -> bool:\n        return request.user.is_active\n\n"
        "    site_header = _(",
        ADMIN,
    ),
    Protection(
        "a list of the administration is asked only what it shows",
        "routing/admin/common.py",
        "                return kind in FILTER_LOOKUPS and bool(super().lookup_allowed(lookup, value, request))\n"
        "        return False\n",
        "                return bool(super().lookup_allowed(lookup, value, request))\n"
        "        return bool(super().lookup_allowed(lookup, value, request))\n",
        "tests/access/test_admin_lists.py",
    ),
    Protection(
        "notices are read by whom they are for",
        "conversations/services/notices.py",
        "Notice.objects.filter(user_id=actor.user_id)",
        "Notice.objects.all()",
        TABLE,
    ),
    # Pages of other sites.
    Protection(
        "a form carries its token",
        "conversations/views/chat.py",
        "@in_the_chat\n@require_POST\ndef send(",
        "@__import__('django.views.decorators.csrf', fromlist=['csrf_exempt']).csrf_exempt\n@in_the_chat\n"
        "@require_POST\ndef send(",
        "tests/access/test_csrf.py::test_nothing_is_written_without_the_token_of_a_form",
    ),
    Protection(
        "a socket asks which page opens it",
        "supervisor_console/asgi.py",
        "AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(sockets)))",
        "AuthMiddlewareStack(URLRouter(sockets))",
        f"{SOCKETS}test_a_page_of_another_site_opens_no_socket",
    ),
    Protection(
        "after the log-in nobody is led to another site",
        "supervisor_console/accounts/adapters.py",
        "    def is_ajax(",
        "    def is_safe_url(self, url: str) -> bool:\n        return True\n\n    def is_ajax(",
        "tests/platform/test_pages_at_the_door.py",
    ),
    Protection("no page is shown in a frame", "supervisor_console/settings.py", 'S = "DENY"', 'S = "ALLOW"', HEADERS),
    # What the browser is told.
    Protection(
        "scripts in a page run only with its nonce",
        "supervisor_console/settings.py",
        '"script-src": [SELF, NONCE]',
        '"script-src": [SELF, NONCE, "\'unsafe-inline\'"]',
        HEADERS,
    ),
    Protection(
        "a file is what its type says",
        "supervisor_console/settings.py",
        'SECURE_REFERRER_POLICY = "same-origin"',
        'SECURE_REFERRER_POLICY = "same-origin"\nSECURE_CONTENT_TYPE_NOSNIFF = False',
        HEADERS,
    ),
    Protection(
        "no script reads the customer's cookie",
        "conversations/views/access.py",
        "        httponly=True,\n",
        "",
        "tests/platform/test_headers.py::test_cookies_are_kept_from_scripts_and_other_sites",
    ),
    Protection(
        "behind TLS no cookie travels without it",
        "supervisor_console/settings.py",
        "SESSION_COOKIE_SECURE = BEHIND_TLS",
        "SESSION_COOKIE_SECURE = False",
        "tests/platform/test_environment.py::test_a_production_environment_passes_the_deployment_check",
    ),
    Protection(
        "what a template prints is escaped",
        "templates/conversations/report/_row.html",
        '"{{ row.customer }}">{{ row.customer }}</td>',
        '"{{ row.customer }}">{{ row.customer|safe }}</td>',
        "tests/architecture/test_house_rules.py",
    ),
    # Customers.
    Protection(
        "a chat opens for its customer only",
        "conversations/selectors.py",
        "return Conversation.objects.filter(customer_id=actor.customer_id)",
        "return Conversation.objects.all()",
        f"{SESSIONS}test_the_cookie_of_a_chat_opens_that_customer_s_chats_and_no_other",
    ),
    Protection(
        "a chat's socket opens for its customer only",
        "conversations/consumers/chat.py",
        "filter(public_id=public_id, customer__key=key)",
        "filter(public_id=public_id)",
        f"{SOCKETS}test_every_role_hears_where_the_table_says_and_nowhere_else",
    ),
    Protection(
        "the customer's cookie is signed",
        "conversations/views/access.py",
        "        return str(signing.loads(cookie, salt=CUSTOMER_SALT, max_age=CUSTOMER_COOKIE_AGE))",
        "        return str(signing.JSONSerializer().loads(signing.b64_decode(cookie.split(':')[0].encode())))",
        f"{SESSIONS}test_a_cookie_that_the_console_did_not_sign_for_this_opens_nothing",
    ),
    Protection(
        "what was signed for something else is no cookie",
        "conversations/views/access.py",
        'CUSTOMER_SALT = "conversations.chat"',
        'CUSTOMER_SALT = "another purpose"',
        f"{SESSIONS}test_a_cookie_that_the_console_did_not_sign_for_this_opens_nothing",
    ),
    Protection(
        "a cookie of long ago opens nothing",
        "conversations/views/access.py",
        "salt=CUSTOMER_SALT, max_age=CUSTOMER_COOKIE_AGE",
        "salt=CUSTOMER_SALT",
        f"{SESSIONS}test_a_cookie_of_long_ago_opens_nothing",
    ),
    Protection(
        "the customer reads no internal line",
        "conversations/reports/transcript.py",
        "        rows = rows.filter(visibility=Visibility.PUBLIC)\n",
        "        pass\n",
        "tests/conversations/test_transcript.py::test_the_customer_reads_no_internal_line",
    ),
    Protection(
        "starts of chats from one address are counted",
        "conversations/views/chat.py",
        "    if counted.seconds:\n",
        "    if False:\n",
        f"{LIMITS}test_somebody_who_starts_chat_after_chat_is_stopped",
    ),
    Protection(
        "lines of a customer are counted",
        "conversations/services/messaging.py",
        "    require(policy.why_not_yet(selectors.customer_line_at(conversation, policy.LINES_MAX), now))\n",
        "",
        f"{LIMITS}test_more_lines_than_anybody_types_are_refused_and_nothing_is_lost",
    ),
    Protection(
        "nobody sends files",
        "supervisor_console/settings.py",
        "DATA_UPLOAD_MAX_NUMBER_FILES = 0",
        "DATA_UPLOAD_MAX_NUMBER_FILES = 9",
        f"{LIMITS}test_too_much_at_once_is_refused_with_a_page_that_says_so",
    ),
    Protection(
        "a body is kept up to what any page takes",
        "supervisor_console/server.py",
        "        if self._room > 0 and (keep := self._keep()) is not None:\n            keep(data[: self._room])",
        "        if (keep := self._keep()) is not None:\n            keep(data)",
        "tests/platform/test_server.py",
    ),
    Protection(
        "behind a proxy its own word is believed",
        "supervisor_console/server.py",
        'said[-1].decode("latin-1").rpartition(",")[2].strip()',
        'said[0].decode("latin-1").partition(",")[0].strip()',
        "tests/platform/test_server.py::test_of_where_somebody_comes_from_the_proxy_s_own_word_is_believed",
    ),
    Protection(
        "a customer's name turns no sentence round",
        "conversations/policy.py",
        'if category(sign) != "Cf" or sign in JOINERS',
        "if sign",
        "tests/conversations/test_chat_page.py::test_a_name_holds_nothing_that_changes_the_sentence_around_it",
    ),
    # Sockets.
    Protection(
        "a socket that says too much is closed",
        "conversations/consumers/relay.py",
        "        if self.dropped or self._says_too_much():\n            return\n",
        "",
        f"{LIMITS}test_a_client_that_says_too_much_is_dropped",
    ),
    Protection(
        "half a sign is garbage",
        "conversations/consumers/relay.py",
        "                json.dumps(content, ensure_ascii=False).encode()",
        "                pass",
        "tests/conversations/test_sockets.py::test_half_a_sign_is_garbage_and_nobody_is_told_it_back",
    ),
    Protection(
        "the report on a socket is for supervisors",
        "conversations/consumers/console.py",
        "isinstance(query, str) and not self.actor.is_supervisor:",
        "False:",
        "tests/conversations/test_sockets.py::test_who_is_no_supervisor_any_more_does_not_keep_the_report",
    ),
    Protection(
        "who signed out hears nothing more",
        "conversations/consumers/door.py",
        "        if guest.session_key not in sessions\n        or ",
        "        if ",
        "tests/conversations/test_sockets.py::test_a_socket_does_not_outlive_what_it_was_opened_for",
    ),
    # The log-in.
    Protection(
        "failed log-ins are counted",
        "supervisor_console/accounts/guessing.py",
        "        if usage is None:\n",
        "        if usage is None and not action:\n",
        f"{GUESSING}test_whoever_guesses_is_slowed_and_told_how_long_to_wait",
    ),
    Protection(
        "an account of one's own buys no guesses at others",
        "supervisor_console/accounts/guessing.py",
        "    ratelimit.clear(request, app=APP, action=PAIR, key=_counted(request, name)[PAIR])",
        "    for action, who in _counted(request, name).items():\n"
        "        ratelimit.clear(request, app=APP, action=action, key=who)",
        f"{GUESSING}test_guessing_through_many_names_is_slowed_and_an_account_of_one_s_own_does_not_help",
    ),
    Protection(
        "a code of the second factor opens once",
        "supervisor_console/accounts/forms.py",
        "        if not cache.add(",
        "        if cache.get('nothing') and not cache.add(",
        f"{FACTOR}test_a_code_opens_once_for_as_long_as_it_is_right",
    ),
    Protection(
        "whose role needs a second factor does nothing without one",
        "supervisor_console/accounts/second_factor.py",
        "        if not is_missing(request.user):\n",
        "        if request.user is not None:\n",
        f"{FACTOR}test_whose_role_needs_one_does_nothing_before_it_is_set_up",
    ),
    Protection(
        "a planted session is not the one that is signed in",
        "supervisor_console/accounts/adapters.py",
        "    def is_ajax(",
        "    def login(self, request: HttpRequest, user: Any) -> None:\n"
        "        request.session.cycle_key = lambda: None\n        super().login(request, user)\n\n    def is_ajax(",
        f"{SESSIONS}test_a_session_that_somebody_planted_is_not_the_one_that_is_signed_in",
    ),
    # Actions and the log.
    Protection(
        "the key of a form is worth nothing in other hands",
        "supervisor_console/kernel/idempotency.py",
        '        return f"user:{actor.user_id}"\n',
        '        return "user"\n',
        "tests/kernel/test_idempotency.py::test_a_key_is_worth_nothing_in_other_hands",
    ),
    Protection(
        "who saw something else is sent back",
        "conversations/steps.py",
        "    if version == conversation.version:\n",
        "    if version:\n",
        "tests/conversations/test_assign.py::test_a_second_assign_of_the_same_form_is_stale",
    ),
    Protection(
        "a record of the log is one line",
        "supervisor_console/logs.py",
        'line.replace("\\r", "\\\\r").replace("\\n", "\\\\n")',
        "line",
        "tests/platform/test_logs.py",
    ),
    Protection(
        "the log holds no row that PostgreSQL repeats",
        "supervisor_console/logs.py",
        'ROW_IN_ERROR.sub("DETAIL: not written here", super().format(record))',
        "super().format(record)",
        "tests/kernel/test_action_log.py",
    ),
)


def main(arguments: Sequence[str]) -> None:
    """Take out each one whose name or file contains the words, and say whether it was missed."""
    is_written = [*arguments] == ["--write"]
    words = "" if is_written else " ".join(arguments)
    chosen = [one for one in PROTECTIONS if words in f"{one.name} {one.file}"]
    failing = failures(ROOT, sorted({one.test for one in chosen}))
    if failing:
        sys.exit(f"Fails as it is, without anything taken out: {', '.join(failing)}")
    rows = []
    for one in chosen:
        who = who_notices(one)
        print(f"{'noticed' if who else 'NOT NOTICED'}: {one.name}", flush=True)
        place, _, test = who.partition("::")
        rows.append([one.name, f"`{one.file}`", f"`{test}` (`{place}`)" if who else "**none**"])
    noticed = sum(row[2] != "**none**" for row in rows)
    print(f"{noticed} of {len(chosen)} protections are missed when they are taken out.")
    if is_written:
        page.put("protections", page.table(["protection", "where it is", "the test that notices"], rows))
    sys.exit(noticed != len(chosen))


def who_notices(one: Protection) -> str:
    """The first test that fails without it; empty where none does."""
    with tempfile.TemporaryDirectory(prefix="console-open-") as folder:
        copy = Path(folder) / "console"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".git", ".venv", "var", "__pycache__", ".*_cache"))
        path = copy / one.file
        path.write_text(one.taken_out(path.read_text()))
        return next(iter(failures(copy, one.test.split())), "")


def failures(where: Path, tests: Sequence[str]) -> list[str]:
    """The tests that fail, up to the first; raises where they could not even begin."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=where, env=environment, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise RuntimeError(done.stdout[-2000:] + done.stderr[-2000:])
    return re.findall(r"^(?:FAILED|ERROR) ([^\s\[]+)", done.stdout, re.MULTILINE)


if __name__ == "__main__":
    main(sys.argv[1:])
