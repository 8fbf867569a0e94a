"""The product's one settings module, in the environment that the tests want.

Nothing of the shell that starts the tests leaks in: every variable of the product is set here. What a test run may
choose is the database and the Redis server, through TEST_DATABASE_URL and TEST_REDIS_URL.
"""

import os
import tempfile
from pathlib import Path
from typing import Any

TEST_VARIABLES = {
    "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
    "BACKGROUND_IN_WEB": "",
    "BEHIND_TLS": "0",
    "CHAT_STARTS_PER_ADDRESS": "",
    "CSRF_TRUSTED_ORIGINS": "",
    "DATABASE_POOL_SIZE": "",
    "DATABASE_URL": os.environ.get("TEST_DATABASE_URL", ""),
    "DEBUG": "0",
    "DEMO": "0",
    "LANGUAGE_CODE": "",
    "LOCK_TIMEOUT": "",
    "LOG_LEVEL": "",
    "REQUIRE_SECOND_FACTOR": "",
    "REDIS_URL": os.environ.get("TEST_REDIS_URL", ""),
    "SECRET_KEY": "a-key-for-tests-only-and-long-enough-to-be-accepted",
    "SENTIMENT_SCORER": "",
    "SINGLE_SIGN_ON_CLIENT_ID": "",
    "SINGLE_SIGN_ON_CLIENT_SECRET": "",
    "SINGLE_SIGN_ON_ISSUER": "",
    "SINGLE_SIGN_ON_NAME": "",
    "TIME_ZONE": "",
}
os.environ.update(TEST_VARIABLES)

from supervisor_console.settings import *  # noqa: E402, F403
from supervisor_console.settings import DATABASES, STORAGES, VAR_DIR  # noqa: E402

_default: dict[str, Any] = DATABASES["default"]
if _default["ENGINE"] == "django.db.backends.sqlite3":
    # A file, not memory: threads then see the locking of the real thing.
    _default["TEST"] = {"NAME": str(Path(tempfile.gettempdir()) / f"console-tests-{os.getpid()}.sqlite3")}

# A hash that costs nothing; what the product's own hashers do is tested with them.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
STATIC_ROOT = VAR_DIR / "test-static"  # Stays empty: the finders are asked.
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
WHITENOISE_USE_FINDERS = True
