"""Which of what people do about their accounts has a line in the log? As of any action: codes and ids, never words."""

from __future__ import annotations

import logging
from typing import Any

from allauth.account import signals as account_signals
from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa import signals as factor_signals
from allauth.mfa.models import Authenticator
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest

logger = logging.getLogger("supervisor_console.actions")


def connect() -> None:
    """Listen to what the library says."""
    account_signals.user_logged_in.connect(_logged_in, dispatch_uid="recorded")
    account_signals.password_changed.connect(_password_changed, dispatch_uid="recorded")
    factor_signals.authenticator_added.connect(_added, dispatch_uid="recorded")
    factor_signals.authenticator_removed.connect(_removed, dispatch_uid="recorded")
    factor_signals.authenticator_reset.connect(_added, dispatch_uid="recorded")


def _logged_in(request: HttpRequest, user: AbstractBaseUser, **kwargs: Any) -> None:
    methods = [str(record["method"]) for record in get_authentication_records(request, user)]
    _write("login", user, "+".join(dict.fromkeys(methods)))


def _password_changed(user: AbstractBaseUser, **kwargs: Any) -> None:
    _write("change_password", user)


def _added(user: AbstractBaseUser, authenticator: Authenticator, **kwargs: Any) -> None:
    _write("set_up_second_factor", user, str(authenticator.type))


def _removed(user: AbstractBaseUser, authenticator: Authenticator, **kwargs: Any) -> None:
    _write("remove_second_factor", user, str(authenticator.type))


def _write(action: str, user: AbstractBaseUser, code: str = "") -> None:
    logger.info("action=%s outcome=done code=%s actor=person:%s", action, code or "-", user.pk)
