"""Does any password of the demo open an account outside it?"""

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import PBKDF2PasswordHasher, check_password, is_password_usable, make_password
from django.test import override_settings
from pytest_django import Settings

from routing.models import User
from supervisor_console import settings as product_settings
from supervisor_console.demo_auth import DemoPasswordHasher

DEMO = {"DEMO": True, "PASSWORD_HASHERS": ["supervisor_console.demo_auth.DemoPasswordHasher"]}


@pytest.fixture
def demo_hash() -> str:
    with override_settings(**DEMO):
        return make_password("open sesame")


def test_a_demo_password_opens_the_demo(demo_hash: str) -> None:
    with override_settings(**DEMO):
        assert check_password("open sesame", demo_hash)
        assert not check_password("open barley", demo_hash)


def test_a_demo_password_opens_nothing_outside_the_demo(demo_hash: str, settings: Settings) -> None:
    settings.PASSWORD_HASHERS = product_settings.PASSWORD_HASHERS

    assert is_password_usable(demo_hash)
    assert not check_password("open sesame", demo_hash)


def test_the_hasher_refuses_outside_the_demo_even_if_it_is_configured(demo_hash: str, settings: Settings) -> None:
    settings.PASSWORD_HASHERS = DEMO["PASSWORD_HASHERS"]

    assert not check_password("open sesame", demo_hash)
    with pytest.raises(PermissionError):
        DemoPasswordHasher().encode("open sesame", "salt")


@pytest.mark.django_db
def test_logging_in_to_the_demo_leaves_no_hash_that_production_would_accept(demo_hash: str) -> None:
    user = User.objects.create(username="visitor", password=demo_hash)

    with override_settings(**DEMO):
        assert authenticate(username="visitor", password="open sesame") == user

    user.refresh_from_db()
    assert user.password.startswith("demo$")


def test_an_account_of_production_does_not_open_in_the_demo() -> None:
    encoded = PBKDF2PasswordHasher().encode("a real password", "salt", iterations=1000)

    with override_settings(**DEMO):
        assert not check_password("a real password", encoded)


def test_the_hashers_of_production_do_not_know_the_demo() -> None:
    assert product_settings.DEMO is False
    assert not any("demo" in path for path in product_settings.PASSWORD_HASHERS)
