"""What does a page carry with it, whoever asks: policy, cookies, sign-in, and the end of a lost way?"""

import re
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from routing.models import User

pytestmark = pytest.mark.django_db


def directives(header: str) -> dict[str, list[str]]:
    return {name: values for name, *values in (part.split() for part in header.split(";") if part.strip())}


def test_the_policy_allows_nothing_inline_and_nothing_from_elsewhere(client: Client) -> None:
    response = client.get(reverse("account_login"))

    policy = directives(response.headers["Content-Security-Policy"])
    assert response.status_code == 200
    assert policy["default-src"] == ["'none'"]
    assert policy["style-src"] == ["'self'"]
    assert policy["connect-src"] == ["'self'"]
    for sources in policy.values():
        assert all(re.fullmatch(r"'self'|'none'|'nonce-[\w+/=-]+'", source) for source in sources)


def test_pages_cannot_be_framed_and_tell_other_sites_nothing(client: Client) -> None:
    response = client.get(reverse("account_login"))

    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "same-origin"


def test_a_person_signs_in_and_out(client: Client) -> None:
    User.objects.create_user(username="sara", password="a long enough one")

    signed_in = client.post(reverse("account_login"), {"username": "sara", "password": "a long enough one"})
    assert signed_in.status_code == 302
    assert "_auth_user_id" in client.session

    signed_out = client.post(reverse("account_logout"))
    assert signed_out.status_code == 302
    assert "_auth_user_id" not in client.session


def test_a_wrong_password_opens_nothing_and_is_answered_politely(client: Client) -> None:
    User.objects.create_user(username="sara", password="a long enough one")

    response = client.post(reverse("account_login"), {"username": "sara", "password": "a wrong one"})

    assert response.status_code == 200
    assert "_auth_user_id" not in client.session


def test_sign_in_does_not_send_people_to_another_site(client: Client) -> None:
    User.objects.create_user(username="sara", password="a long enough one")

    response = client.post(
        reverse("account_login") + "?next=https://evil.example.org/",
        {"username": "sara", "password": "a long enough one", "next": "https://evil.example.org/"},
    )

    assert response.headers["Location"] == "/"


def test_leaving_needs_a_post(client: Client) -> None:
    assert client.get(reverse("account_logout")).status_code == 405


def test_signing_in_without_the_token_of_the_form_is_refused() -> None:
    response = Client(enforce_csrf_checks=True).post(reverse("account_login"), {"username": "sara", "password": "x"})

    assert response.status_code == 403


def test_an_unknown_address_is_not_found(client: Client) -> None:
    assert client.get("/no/such/page/").status_code == 404


def test_every_static_file_that_another_one_names_exists(tmp_path: Path, settings: Settings) -> None:
    """Production renames files by their content, which fails on the first name that leads nowhere."""
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
    }

    call_command("collectstatic", interactive=False, verbosity=0)

    assert (tmp_path / "staticfiles.json").is_file()


def test_who_comes_by_page_to_what_only_a_button_does_is_told(client: Client) -> None:
    response = client.get(reverse("single_sign_on"))

    assert (response.status_code, response.headers["Allow"]) == (405, "POST")
    assert "what you clicked was not done" in response.content.decode()


def test_a_part_that_asks_in_the_wrong_way_gets_no_page(client: Client) -> None:
    response = client.get(reverse("single_sign_on"), headers={"HX-Request": "true"})

    assert (response.status_code, response.content) == (405, b"")
