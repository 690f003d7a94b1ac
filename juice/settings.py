"""Settings: everything that differs between machines comes from the environment.

`.env.example` lists every variable read here, with its default.
"""

from pathlib import Path

import dj_database_url
from celery.schedules import schedule
from django.core.exceptions import ImproperlyConfigured
from environs import Env

from juice import admin_look

BASE_DIR = Path(__file__).resolve().parent.parent

env = Env()
env.read_env(str(BASE_DIR / ".env"), recurse=False)

DEBUG = env.bool("DEBUG", False)
VAR_DIR = Path(env.str("VAR_DIR", "") or BASE_DIR / "var")
VAR_DIR.mkdir(parents=True, exist_ok=True)
# Files in the making; what a killed process leaves is removed a day later.
SCRATCH_DIR = Path(env.str("SCRATCH_DIR", "") or VAR_DIR / "scratch")
SCRATCH_DIR.mkdir(parents=True, exist_ok=True)


def _secret_key() -> str:
    key = env.str("SECRET_KEY", "")
    if key:
        return key
    if DEBUG:
        return "insecure-key-for-development-only"
    raise ImproperlyConfigured(
        "SECRET_KEY is not set, and DEBUG is off. Set SECRET_KEY to a long random text "
        '(python -c "import secrets; print(secrets.token_urlsafe(50))"), '
        "or DEBUG=1 on a machine that only you use."
    )


SECRET_KEY = _secret_key()
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])
PUBLIC_URL = env.str("PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/")

INSTALLED_APPS = [
    "unfold",
    "juice.apps.JuiceConfig",
    "operation.apps.OperationConfig",
    "owner.apps.OwnerConfig",
    "annotations.apps.AnnotationsConfig",
    "generation.apps.GenerationConfig",
    "analysis.apps.AnalysisConfig",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "rest_framework.authtoken",
    "drf_spectacular",
]

MIDDLEWARE = [
    "juice.logs.NamedRequests",
    "operation.timing.TimedRequests",
    "operation.tracing.TracedRequests",
    "django.middleware.security.SecurityMiddleware",
    "juice.middleware.content_security_policy",
    "juice.middleware.ReadableRequests",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "juice.middleware.cookies_in_frames",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "juice.urls"
WSGI_APPLICATION = "juice.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]


def _sqlite_synchronous() -> str:
    """When SQLite waits for the disk: with NORMAL, a power cut may take the last answers."""
    word = env.str("SQLITE_SYNCHRONOUS", "FULL").upper()
    if word in ("FULL", "NORMAL"):
        return word
    raise ImproperlyConfigured(f"SQLITE_SYNCHRONOUS is FULL or NORMAL, not {word}.")


# Database. SQLite takes its write lock when a transaction begins: a claim that reads and then
# writes can never be overtaken, and waits instead of failing with "database is locked".
DATABASE_URL = env.str("DATABASE_URL", "") or f"sqlite:///{VAR_DIR / 'db.sqlite3'}"
DATABASES = {"default": dj_database_url.parse(DATABASE_URL)}
_database = DATABASES["default"]
# A password of its own may have any signs; within an address they would have to be escaped.
_database["PASSWORD"] = env.str("DATABASE_PASSWORD", "") or _database.get("PASSWORD", "")
if _database["ENGINE"] == "django.db.backends.sqlite3":
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": f"PRAGMA journal_mode=WAL; PRAGMA synchronous={_sqlite_synchronous()};",
    }
    # A file, so that the workers and servers that tests start see the same database.
    _database["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")}
else:
    _database.setdefault("OPTIONS", {})["pool"] = {
        "min_size": 1,
        "max_size": env.int("DATABASE_POOL_SIZE", 16),
        "timeout": 30,
    }
    # Of the statements of annotations/models/prepared.py alone; 0 for a pooler that cannot.
    _database["OPTIONS"]["prepare_threshold"] = env.int("DATABASE_PREPARE_AFTER", 3) or None
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# How old what changes rarely may be, such as how many comparisons a study has; 0: as of now.
KEPT_SECONDS = env.int("KEPT_SECONDS", 30)

# Redis: Celery's broker and the cache. It may be wiped at any moment; the database is the record.
REDIS_URL = env.str("REDIS_URL", "redis://127.0.0.1:6379/0")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "juice",
        "OPTIONS": {"socket_timeout": 3, "socket_connect_timeout": 3},
    }
}

CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "health_check_interval": 25,
    "socket_keepalive": True,
}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 200
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_TASK_TIME_LIMIT = 360
CELERY_TASK_SOFT_TIME_LIMIT = 300
CELERY_TASK_DEFAULT_QUEUE = "control"
CELERY_TASK_ROUTES = {
    "annotations.tasks.render": {"queue": "media"},
    "annotations.tasks.check": {"queue": "media"},
    "annotations.tasks.*": {"queue": "control"},
    "generation.tasks.fetch": {"queue": "transfer"},
    "generation.tasks.submit_and_wait": {"queue": "blocking"},
    "generation.tasks.*": {"queue": "control"},
    "analysis.tasks.compute*": {"queue": "media"},
    "analysis.tasks.*": {"queue": "control"},
}
CELERY_BEAT_SCHEDULER = "juice.beat:ForgetfulScheduler"
CELERY_BEAT_SCHEDULE = {
    # Ticks expire before the next one, so that a stopped worker finds no backlog.
    name: {"task": task, "schedule": schedule(seconds), "options": {"expires": seconds * 0.9}}
    for name, task, seconds in [
        ("generation-sweep", "generation.tasks.sweep", 2.0),
        ("annotations-sweep", "annotations.tasks.sweep", 3.0),
        ("analysis-sweep", "analysis.tasks.sweep", 10.0),
        ("heartbeat", "juice.tasks.heartbeat", 10.0),
    ]
}
CELERY_TIMEZONE = "UTC"

# Generation: after how long a silent worker's job is taken up by another one.
GENERATION_QUEUE_PATIENCE_SECONDS = env.float("GENERATION_QUEUE_PATIENCE_SECONDS", 60.0)
GENERATION_SUBMIT_LEASE_SECONDS = env.float("GENERATION_SUBMIT_LEASE_SECONDS", 90.0)
GENERATION_FETCH_LEASE_SECONDS = env.float("GENERATION_FETCH_LEASE_SECONDS", 360.0)
# How long an endpoint may take to list a job that it has just accepted.
GENERATION_LIST_LAG_SECONDS = env.float("GENERATION_LIST_LAG_SECONDS", 30.0)
# How long an endpoint is left alone after failures in a row, at first.
GENERATION_FAILURE_PAUSE_SECONDS = env.float("GENERATION_FAILURE_PAUSE_SECONDS", 30.0)
GENERATION_DEADLINE_SECONDS = env.float("GENERATION_DEADLINE_SECONDS", 3600.0)

# Files. Originals and renditions are private; only the views of `annotations` hand out renditions.
MEDIA_S3_BUCKET = env.str("MEDIA_S3_BUCKET", "")
MEDIA_S3_ENDPOINT_URL = env.str("MEDIA_S3_ENDPOINT_URL", "")
MEDIA_S3_REGION = env.str("MEDIA_S3_REGION", "")
_local_files = {
    "BACKEND": "annotations.storage.WholeFileStorage",
    "OPTIONS": {"location": str(VAR_DIR / "media"), "base_url": None},
}
S3_STORAGE = {
    "BACKEND": "storages.backends.s3.S3Storage",
    "OPTIONS": {
        "bucket_name": MEDIA_S3_BUCKET,
        "endpoint_url": MEDIA_S3_ENDPOINT_URL or None,
        "region_name": MEDIA_S3_REGION or None,
        "addressing_style": "path" if MEDIA_S3_ENDPOINT_URL else "virtual",
        "signature_version": "s3v4",
        "default_acl": None,
        "file_overwrite": False,
    },
}
STORAGES = {
    "default": S3_STORAGE if MEDIA_S3_BUCKET else _local_files,
    "staticfiles": {"BACKEND": "juice.storage.HashedStaticFilesStorage"},
}
if DEBUG:
    STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
# Who sends the bytes of clips. "nginx": the view answers with X-Accel-Redirect into
# MEDIA_INTERNAL_URL; "s3": with a redirect to an address of the bucket, good for a minute.
MEDIA_SENDFILE = env.str("MEDIA_SENDFILE", "", validate=lambda value: value in ("", "nginx", "s3"))
MEDIA_INTERNAL_URL = env.str("MEDIA_INTERNAL_URL", "/_media/")
# The bucket's origin as browsers see it, such as https://bucket.s3.eu-west-1.amazonaws.com.
MEDIA_S3_ORIGIN = env.str("MEDIA_S3_ORIGIN", "")
if MEDIA_SENDFILE == "s3" and not (MEDIA_S3_BUCKET and MEDIA_S3_ORIGIN):
    raise ImproperlyConfigured(
        "MEDIA_SENDFILE=s3 sends browsers to the bucket: set MEDIA_S3_BUCKET and MEDIA_S3_ORIGIN."
    )
# Hosts of the private network that clips may be imported from by address.
IMPORT_INTERNAL_HOSTS: list[str] = env.list("IMPORT_INTERNAL_HOSTS", [])
FILE_UPLOAD_TEMP_DIR = str(SCRATCH_DIR)
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000

STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", "") or VAR_DIR / "static")
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_AUTOREFRESH = DEBUG

# Pages for raters speak the rater's language (annotations/views/language.py); all others English.
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("es", "Español"), ("zh-hans", "简体中文"), ("ar", "العربية")]
LOCALE_PATHS = [BASE_DIR / "locale"]
RATER_LANGUAGE_COOKIE = "rater_language"
TIME_ZONE = env.str("TIME_ZONE", "UTC")
USE_I18N = True
USE_TZ = True

# A rater's session lives as long as a study does.
RATER_COOKIE_AGE_SECONDS = 90 * 24 * 3600
HTTPS = env.bool("HTTPS", False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 3600 * 24 * 30 if HTTPS else 0
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
CSRF_COOKIE_AGE = RATER_COOKIE_AGE_SECONDS
CSRF_FAILURE_VIEW = "juice.error_pages.csrf_failure"
LOGIN_URL = "admin:login"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.SessionAuthentication",
        "rest_framework.authentication.TokenAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAdminUser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["annotations.api.reading.StrictJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "annotations.api.reading.Pages",
    "PAGE_SIZE": 100,
    "EXCEPTION_HANDLER": "annotations.api.problems.answer_error",
    "DEFAULT_SCHEMA_CLASS": "annotations.api.schema.SchemaWithProblems",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Juice API",
    "DESCRIPTION": "Claim and submit judgments; read studies, judgments and reports.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
}

UNFOLD = admin_look.UNFOLD

# Seeing what goes on: /metrics for who has this token; empty: there is no such address.
METRICS_TOKEN = env.str("METRICS_TOKEN", "")
# Where traces are sent; OpenTelemetry reads its other variables itself. Empty: nothing is traced.
OTEL_EXPORTER_OTLP_ENDPOINT = env.str("OTEL_EXPORTER_OTLP_ENDPOINT", "")


def _alert_webhook() -> str:
    """Where faults are posted to: by https, unless plain http is allowed."""
    url = env.str("ALERT_WEBHOOK", "")
    allowed = ("https://", "http://") if env.bool("ALERT_WEBHOOK_PLAIN", False) else ("https://",)
    if url and not url.startswith(allowed):
        raise ImproperlyConfigured(
            "ALERT_WEBHOOK is an https:// address, or an http:// one with ALERT_WEBHOOK_PLAIN=1."
        )
    return url


# Who is told of faults, once when one begins and once when it ends.
ALERT_MAIL: list[str] = env.list("ALERT_MAIL", [])
ALERT_WEBHOOK = _alert_webhook()
EMAIL_HOST = env.str("EMAIL_HOST", "localhost")
EMAIL_PORT = env.int("EMAIL_PORT", 25)
EMAIL_HOST_USER = env.str("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.str("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", False)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "juice@localhost")

LOG_LEVEL = env.str("LOG_LEVEL", "INFO")
# Lines for people (plain) or for programs (json); both say request, task and study.
LOG_FORMAT = env.str("LOG_FORMAT", "plain", validate=lambda value: value in ("plain", "json"))
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"ids": {"()": "juice.logs.WithIds"}},
    "formatters": {
        "plain": {
            "()": "juice.logs.PlainLines",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        },
        "json": {"()": "juice.logs.JsonLines"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": LOG_FORMAT,
            "filters": ["ids"],
        }
    },
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    # httpx logs every address it calls; fontTools, each glyph that a PDF figure keeps.
    "loggers": {name: {"level": "WARNING"} for name in ("httpx", "fontTools")},
}
