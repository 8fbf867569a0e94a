"""Where do people come in, and where is what concerns their account? Only what stands here is there of the library."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from supervisor_console.accounts import single_sign_on, views

urlpatterns = [
    path("login/", views.LoginView.as_view(), name="account_login"),
    path("login/code/", views.CodeView.as_view(), name="mfa_authenticate"),
    path("login/single-sign-on/", single_sign_on.begin, name="single_sign_on"),
    path(
        "login/single-sign-on/callback/",
        single_sign_on.callback,
        {"provider_id": single_sign_on.PROVIDER},
        name="openid_connect_callback",
    ),
    path("logout/", LogoutView.as_view(), name="account_logout"),
    path("account/", views.AccountView.as_view(), name="mfa_index"),
    path("account/password/", views.PasswordView.as_view(), name="account_change_password"),
    path("account/confirm/", views.ConfirmView.as_view(), name="account_reauthenticate"),
    path("account/confirm/code/", views.ConfirmCodeView.as_view(), name="mfa_reauthenticate"),
    path("account/second-factor/", views.SetUpView.as_view(), name="mfa_activate_totp"),
    path("account/second-factor/remove/", views.RemoveView.as_view(), name="mfa_deactivate_totp"),
    path("account/recovery-codes/", views.RecoveryCodesView.as_view(), name="mfa_view_recovery_codes"),
    path("account/recovery-codes/new/", views.NewRecoveryCodesView.as_view(), name="mfa_generate_recovery_codes"),
]
"""The names are those under which the library looks for its pages."""
