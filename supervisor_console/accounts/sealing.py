"""How are the secrets of second factors kept, so that a copy of the database opens nothing?"""

from __future__ import annotations

import base64
import logging
import secrets

from cryptography.fernet import Fernet, InvalidToken
from django.utils.crypto import salted_hmac

SALT = "supervisor_console.accounts.sealing"

logger = logging.getLogger(__name__)


def seal(text: str) -> str:
    """Encrypt with a key that is made from SECRET_KEY."""
    return _box().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """What was sealed. Under another SECRET_KEY it cannot be read: then a random secret, which no code belongs to."""
    try:
        return _box().decrypt(sealed.encode()).decode()
    except InvalidToken:
        logger.warning("A second factor cannot be read: it was set up under another SECRET_KEY. Remove it.")
        return base64.b32encode(secrets.token_bytes(20)).decode()


def _box() -> Fernet:
    return Fernet(base64.urlsafe_b64encode(salted_hmac(SALT, "second factor", algorithm="sha256").digest()))
