"""Does the health page tell what works and what does not?"""

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings


@pytest.mark.django_db
def test_health_is_ok_when_everything_answers(client: Client) -> None:
    response = client.get("/healthz")

    assert response.status_code == 200
    assert response.json() == {"status": "ok", "database": "ok", "push": "ok"}
    assert "no-store" in response.headers["Cache-Control"]


@pytest.mark.django_db
def test_health_names_the_database_when_it_does_not_answer(client: Client) -> None:
    def refuse(*arguments: object) -> None:
        raise ConnectionError

    with connection.execute_wrapper(refuse):
        response = client.get("/healthz")

    assert response.status_code == 503
    assert response.json()["status"] == "unavailable"
    assert response.json()["database"] == "unavailable"
    assert response.json()["push"] == "ok"


@pytest.mark.django_db
def test_health_names_the_push_that_does_not_answer_and_lets_the_process_serve_on(
    client: Client, settings: Settings
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [settings.REDIS_URL]},
        }
    }

    response = client.get("/healthz")

    assert response.status_code == 200
    assert response.json() == {"status": "degraded", "database": "ok", "push": "unavailable"}


@pytest.mark.django_db
@pytest.mark.redis
def test_health_asks_the_real_redis(client: Client) -> None:
    response = client.get("/healthz")

    assert response.json()["status"] == "ok"


def test_health_answers_get_only(client: Client) -> None:
    assert client.post("/healthz").status_code == 405
