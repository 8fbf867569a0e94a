"""Where do people come in, and where is what concerns their account? Only what stands here is there of the library."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from supervisor_console.accounts import views

urlpatterns = [
    path("login/", views.LoginView.as_view(), name="account_login"),
    path("logout/", LogoutView.as_view(), name="account_logout"),
]
