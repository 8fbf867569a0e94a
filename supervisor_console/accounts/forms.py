"""What do people write at the door?"""

from __future__ import annotations

from typing import Any

from allauth.account import forms as account_forms
from allauth.core.internal.cryptokit import normalize_user_code
from allauth.mfa import app_settings
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as mfa_forms
from allauth.mfa.totp import forms as totp_forms
from django.contrib.auth.password_validation import password_validators_help_texts
from django.core.cache import cache
from django.forms import Field
from django.utils.translation import gettext_lazy as _


class LoginForm(account_forms.LoginForm):
    """Name and password. The library's field ``login`` is called ``username`` on the page, as it always was."""

    def add_prefix(self, field_name: str) -> str:
        """The name of a field on the page."""
        return "username" if field_name == "login" else str(super().add_prefix(field_name))


class ConfirmForm(account_forms.ReauthenticateForm):
    """The own password, once more."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _label(self.fields["password"], _("Password"), autofocus=True)


class PasswordForm(account_forms.ChangePasswordForm):
    """The password that is, and twice the one that shall be."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _label(self.fields["oldpassword"], _("Current password"), autofocus=True)
        _label(self.fields["password1"], _("New password"))
        _label(self.fields["password2"], _("New password, once more"))
        self.fields["password1"].help_text = " ".join(password_validators_help_texts())


class SetUpForm(totp_forms.ActivateTOTPForm):
    """The first code of the app, which shows that it knows the secret."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _label(self.fields["code"], _("Code that the app shows"), inputmode="numeric", maxlength=12)


class _OnceForm(mfa_forms.BaseAuthenticateForm):
    """A code, which opens once: as long as it would be right, it is remembered."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _label(self.fields["code"], _("Code"), inputmode="numeric", maxlength=20, autofocus=True)

    def clean_code(self) -> str:
        """As the library does, which forgets a code sooner than it stops being right."""
        code = str(super().clean_code())
        right_for = app_settings.TOTP_PERIOD * (2 * app_settings.TOTP_TOLERANCE + 1)
        if not cache.add(f"console.code:{self.user.pk}:{normalize_user_code(code)}", "used", timeout=right_for):
            raise get_adapter().validation_error("incorrect_code")
        return code


class CodeForm(_OnceForm, mfa_forms.AuthenticateForm):
    """The code after the password."""


class ConfirmCodeForm(_OnceForm, mfa_forms.ReauthenticateForm):
    """A code, once more."""


def _label(field: Field, label: Any, **attributes: Any) -> None:
    """Our words on the library's field; a placeholder says nothing that the label does not."""
    field.label = label
    field.help_text = ""
    field.widget.attrs.pop("placeholder", None)
    field.widget.attrs.update(attributes)
