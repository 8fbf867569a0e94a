"""How is the console set up? By environment alone: `.env.example` lists every variable, env.py reads them."""

import secrets
from pathlib import Path
from typing import Any

from csp.constants import NONCE, NONE, SELF
from django.utils.translation import gettext_lazy as _

from supervisor_console.env import DATABASE_ENGINES, Environment

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"

env = Environment(env_file=BASE_DIR / ".env")


def kept_secret(path: Path) -> str:
    """The secret of this checkout, made at the first start. For demo and development only."""
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48), encoding="ascii")
        return path.read_text(encoding="ascii").strip()


# What kind of installation this is.
DEMO = env.flag("DEMO")
DEBUG = env.flag("DEBUG")
LOCAL = DEMO or DEBUG
BEHIND_TLS = env.flag("BEHIND_TLS", default=not LOCAL)

if LOCAL and not env.text("SECRET_KEY"):
    SECRET_KEY = kept_secret(VAR_DIR / "secret-key")
else:
    SECRET_KEY = env.required("SECRET_KEY", "Outside DEMO and DEBUG it must hold a long random text.", at_least=32)

ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"] if LOCAL else [])
CSRF_TRUSTED_ORIGINS = env.origins("CSRF_TRUSTED_ORIGINS")

# The background work (expiring offers, wrap-ups, presences …) runs inside `serve` when there is one server process,
# and in `work` when there are several. Several processes need Redis, so Redis decides unless the operator does.
REDIS_URL = env.redis("REDIS_URL")
BACKGROUND_IN_WEB = env.flag("BACKGROUND_IN_WEB", default=not REDIS_URL)

INSTALLED_APPS = [
    "supervisor_console",
    "conversations",
    "routing",
    "supervisor_console.admin_site.ConsoleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "channels",
    "csp",
    "django_htmx",
]

# What all answers carry comes first, before static files are answered. All of it works in the thread of its request.
MIDDLEWARE = [
    "supervisor_console.kernel.requests.RequestIdMiddleware",
    "supervisor_console.kernel.headers.HeadersMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "supervisor_console.accounts.second_factor.SecondFactorMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "supervisor_console.kernel.web.IdempotencyMiddleware",
    "supervisor_console.kernel.web.RefusalMiddleware",
]

ROOT_URLCONF = "supervisor_console.urls"
ASGI_APPLICATION = "supervisor_console.asgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "conversations.views.context.console",
            ],
        },
    },
]

# Database. Services open their own transactions, so requests do not (ATOMIC_REQUESTS would make every GET on SQLite
# take the write lock), and connections come from a pool, because under ASGI each request is a new thread.
LOCK_TIMEOUT = env.whole_number("LOCK_TIMEOUT", 5, at_least=1, at_most=60)
POOL_SIZE = env.whole_number("DATABASE_POOL_SIZE", 20, at_least=2, at_most=500)


def database() -> dict[str, Any]:
    config = env.database("DATABASE_URL", f"sqlite:///{VAR_DIR / 'console.sqlite3'}")
    options: dict[str, Any] = config.setdefault("OPTIONS", {})
    config["ATOMIC_REQUESTS"] = False
    config["CONN_MAX_AGE"] = 0
    if DATABASE_ENGINES.get(config["ENGINE"]) == "sqlite":
        options.setdefault("transaction_mode", "IMMEDIATE")
        options.setdefault("timeout", LOCK_TIMEOUT)
        options.setdefault("init_command", "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;")
        if config["NAME"] != ":memory:":
            config["NAME"] = str(BASE_DIR / config["NAME"])
            Path(config["NAME"]).parent.mkdir(parents=True, exist_ok=True)
    else:
        # A connection that the server has closed is not handed out. While there is no server, nobody waits for long,
        # and it is tried again about every second, however long it takes.
        config["CONN_HEALTH_CHECKS"] = True
        patience = {"timeout": 5, "reconnect_timeout": 3}
        options.setdefault("pool", {"min_size": 2, "max_size": POOL_SIZE, **patience})
        options.setdefault("options", f"-c lock_timeout={LOCK_TIMEOUT}s")
    return config


DATABASES = {"default": database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# SQLite has no columns beside the order of an index; it reads the row instead.
SILENCED_SYSTEM_CHECKS = ["models.W040"]

# Between processes: Redis where there are several, memory where there is one. The pub/sub layer drops nothing while a
# process lives; the memory layer does when a queue is full, so its queues are long.
CHANNEL_LAYERS: dict[str, dict[str, Any]]
if REDIS_URL:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [REDIS_URL], "prefix": "console"},
        }
    }
else:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels.layers.InMemoryChannelLayer",
            "CONFIG": {"capacity": 2000},
        }
    }

# What may be forgotten, and is the same for all processes: how often somebody failed to log in, codes that were used.
# A table, not Redis: it is there wherever the console is, and nobody is kept out while Redis is away.
CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "supervisor_console_cached",
        "KEY_FUNCTION": "supervisor_console.kernel.caching.key_of",
        "OPTIONS": {"MAX_ENTRIES": 20_000},
    }
}

# People.
AUTH_USER_MODEL = "routing.User"
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "supervisor_console.accounts.adapters.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "supervisor_console.accounts.forms.LoginForm",
    "change_password": "supervisor_console.accounts.forms.PasswordForm",
    "reauthenticate": "supervisor_console.accounts.forms.ConfirmForm",
}
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_RATE_LIMITS = {
    "login": None,  # Who gets in is not counted: a whole shift logs in within minutes, from one address.
    "login_failed": "5/5m/key",
    "login_failed_name": "50/1h/key",
    "login_failed_address": "100/15m/key",
    "change_password": "10/5m/user",
    "reauthenticate": "10/5m/user",
}
# A second factor is for everybody who wants one; for these roles it must be.
REQUIRE_SECOND_FACTOR = env.some_of("REQUIRE_SECOND_FACTOR", ["agent", "supervisor", "administrator"])
MFA_ADAPTER = "supervisor_console.accounts.adapters.SecondFactorAdapter"
MFA_FORMS = {
    "authenticate": "supervisor_console.accounts.forms.CodeForm",
    "reauthenticate": "supervisor_console.accounts.forms.ConfirmCodeForm",
    "activate_totp": "supervisor_console.accounts.forms.SetUpForm",
}
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TOTP_ISSUER = "Supervisor Console"
MFA_TOTP_TOLERANCE = 1  # The code before and the one after: clocks differ, and hands are slow.
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
# Single sign-on, where a provider is named: the name is what the log-in calls it.
SSO_ISSUER = env.provider("SINGLE_SIGN_ON_ISSUER", is_local=LOCAL)
SINGLE_SIGN_ON = env.text("SINGLE_SIGN_ON_NAME", "single sign-on") if SSO_ISSUER else ""
SOCIALACCOUNT_ADAPTER = "supervisor_console.accounts.single_sign_on.SingleSignOnAdapter"
SOCIALACCOUNT_PROVIDERS: dict[str, dict[str, Any]] = {}
if SSO_ISSUER:
    why = "Single sign-on needs it, because SINGLE_SIGN_ON_ISSUER is set."
    SOCIALACCOUNT_PROVIDERS["openid_connect"] = {
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [
            {
                "provider_id": "single-sign-on",
                "name": SINGLE_SIGN_ON,
                "client_id": env.required("SINGLE_SIGN_ON_CLIENT_ID", why),
                "secret": env.required("SINGLE_SIGN_ON_CLIENT_SECRET", why),
                "settings": {"server_url": SSO_ISSUER},
            }
        ],
    }
elif env.text("SINGLE_SIGN_ON_CLIENT_ID"):
    env.fault("SINGLE_SIGN_ON_CLIENT_ID", "is set, but SINGLE_SIGN_ON_ISSUER is not: without it there is no provider.")
# In the demo every password is a demo password, and outside the demo no demo password opens anything: each kind of
# installation knows its own hashers only.
PASSWORD_HASHERS = (
    ["supervisor_console.demo_auth.DemoPasswordHasher"]
    if DEMO
    else [
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
        "django.contrib.auth.hashers.ScryptPasswordHasher",
    ]
)

# Language and time. Times are stored in UTC; pages write this zone when a browser has not said its own.
LANGUAGES = [("en", _("English"))]
LANGUAGE_CODE = env.choice("LANGUAGE_CODE", "en", [code for code, _name in LANGUAGES])
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
FORMAT_MODULE_PATH = "supervisor_console.formats"
TIME_ZONE = env.time_zone("TIME_ZONE", "UTC")

# Static files, served by the console itself: under names with a hash in production, straight from the source otherwise.
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
if LOCAL:
    STATIC_ROOT.mkdir(exist_ok=True)  # Stays empty; WhiteNoise warns when it is missing.
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = LOCAL
WHITENOISE_AUTOREFRESH = DEBUG
WHITENOISE_MAX_AGE = 0 if LOCAL else 60
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if LOCAL
        else "whitenoise.storage.CompressedManifestStaticFilesStorage",
    },
}

# Security.
SESSION_ENGINE = "supervisor_console.accounts.sessions"
SESSION_COOKIE_SECURE = BEHIND_TLS
SESSION_COOKIE_AGE = 12 * 60 * 60
CSRF_COOKIE_SECURE = BEHIND_TLS
SECURE_SSL_REDIRECT = BEHIND_TLS
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_TLS else None
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if BEHIND_TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = BEHIND_TLS
SECURE_HSTS_PRELOAD = BEHIND_TLS
CSRF_COOKIE_HTTPONLY = True  # Pages carry the token themselves; no script reads the cookie.
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
    }
}

# What one request may bring: the longest line is 6,000 characters, no form is long, and nobody sends a file.
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
DATA_UPLOAD_MAX_NUMBER_FILES = 0
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000

# How many chats may be started from one address within ten minutes; customers behind one proxy share it.
CHAT_STARTS_PER_ADDRESS = env.whole_number("CHAT_STARTS_PER_ADDRESS", 30, at_least=1, at_most=100_000)

# Sentiment: which scorer reads the messages of a customer (a dotted path to a class).
SENTIMENT_SCORER = env.dotted_path("SENTIMENT_SCORER", "conversations.sentiment.lexicon.LexiconScorer")

# Logging: to the console, one line per record. The demo, where most actions are those of a simulated floor, writes none
# of its actions unless somebody asks for a level.
LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"])
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "supervisor_console.logs.OneLineFormatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"handlers": ["console"], "level": LOG_LEVEL, "propagate": False},
        # Daphne writes every request at INFO to its own logger; the console's own records matter more.
        "daphne": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        "supervisor_console.actions": {"level": LOG_LEVEL if env.text("LOG_LEVEL") or not DEMO else "WARNING"},
    },
}

env.finish()
