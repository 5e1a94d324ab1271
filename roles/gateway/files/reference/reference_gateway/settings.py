# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the environment says, checked before anything starts: a wrong value is one sentence that names its variable."""

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from reference_gateway import apikeys, oidc_providers, users

SECRETS = {"redis_url", "auth_secret_key", "auth_basic_users", "auth_oidc_providers", "api_keys", "anthropic_api_key"}
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
HEADER = re.compile(r"[A-Za-z0-9-]{1,64}")
COOKIE = re.compile(r"[A-Za-z0-9_-]{1,64}")


class BootError(Exception):
    """A setting with which the gateway must not start; the text is one sentence without any secret."""


Seconds = Annotated[int, Field(ge=1)]


class Settings(BaseSettings):
    """The variables of the contract that the reference gateway uses. Unknown names are ignored, as the original does."""

    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore", frozen=True)

    environment: str = "production"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"

    redis_url: SecretStr = SecretStr("redis://redis:6379")
    redis_max_connections: int = Field(10, ge=1, le=1000)
    pii_queue_name: str = Field("eq-pdf:queue:pii", min_length=1)
    job_status_prefix: str = Field("eq-pdf:job:", min_length=1)
    job_ttl_active: Seconds = 604800
    job_ttl_completed: Seconds = 2592000
    job_ttl_failed: Seconds = 2592000

    s3_temp_bucket: str = "equalify-temp"
    s3_results_bucket: str = "equalify-results"
    s3_public_url: str | None = None
    aws_region: str = Field("us-east-1", min_length=1)
    temp_file_retention_hours: int = Field(24, ge=1, le=720)
    temp_cleanup_interval_hours: int = Field(1, ge=1)

    docling_serve_url: str = "http://docling-serve:5001"
    docling_serve_timeout: int = Field(120, ge=10, le=600)
    docling_do_ocr: bool = True
    docling_do_table_structure: bool = True
    ai_provider: Literal["anthropic", "bedrock"] | None = None
    anthropic_api_key: SecretStr | None = None

    max_upload_size: int = Field(104857600, ge=1, le=1073741824)
    pdf_max_pages: int = Field(50, ge=1, le=500)
    pdf_images_scale: float = Field(1.5, ge=1, le=3)
    pipeline_timeout_seconds: int = Field(1800, ge=60, le=7200)
    estimated_processing_minutes: int = Field(5, ge=1)
    disable_workers: bool = False
    worker_concurrency: int = Field(2, ge=1, le=16)
    enable_metrics: bool = True

    auth_mode: Literal["none", "basic", "oidc"] = "none"
    auth_secret_key: SecretStr | None = None
    auth_session_ttl_seconds: int = Field(28800, ge=300, le=2592000)
    auth_session_cookie_name: str = "reflow_session"
    auth_cookie_secure: bool = True
    auth_basic_users: SecretStr | None = None
    auth_oidc_providers: SecretStr | None = None
    auth_post_login_redirect: str = "/"
    enable_api_key_auth: bool = True
    api_keys: SecretStr | None = None
    api_key_header_name: str = "X-API-Key"

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: str) -> str:
        return value.upper()

    @field_validator("s3_temp_bucket", "s3_results_bucket")
    @classmethod
    def _bucket(cls, value: str) -> str:
        if not BUCKET.fullmatch(value):
            raise ValueError("a bucket name of 3 to 63 lower case letters, digits, dots and hyphens")
        return value

    @field_validator("redis_url")
    @classmethod
    def _redis_url(cls, value: SecretStr) -> SecretStr:
        if not _is_url(value.get_secret_value(), ("redis", "rediss")):
            raise ValueError("redis://[:password@]host[:port][/number], or rediss:// for TLS, the password URL-encoded")
        return value

    @field_validator("s3_public_url", "docling_serve_url")
    @classmethod
    def _http_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if not _is_url(value, ("http", "https")) or "?" in value or "#" in value:
            raise ValueError("an http:// or https:// URL without query")
        return value.rstrip("/")

    @field_validator("auth_session_cookie_name")
    @classmethod
    def _cookie(cls, value: str) -> str:
        if not COOKIE.fullmatch(value):
            raise ValueError("a name of letters, digits, underscores and hyphens")
        return value

    @field_validator("api_key_header_name")
    @classmethod
    def _header(cls, value: str) -> str:
        if not HEADER.fullmatch(value):
            raise ValueError("a header name of letters, digits and hyphens")
        return value

    @field_validator("auth_post_login_redirect")
    @classmethod
    def _path(cls, value: str) -> str:
        # "//host" and "/\\host" are read by browsers as another site.
        if not value.startswith("/") or value.startswith("//") or "\\" in value or any(ord(c) < 32 for c in value):
            raise ValueError("a path on this site that starts with one slash")
        return value


def _is_url(text: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def secret(value: SecretStr | None) -> str:
    """The text of a secret setting, empty when it is not set."""
    return value.get_secret_value() if value else ""


def load() -> Settings:
    """Read the environment. Raises BootError for the first setting that is wrong."""
    try:
        settings = Settings()
    except ValidationError as error:
        raise BootError(_sentence(error)) from None
    if settings.s3_temp_bucket == settings.s3_results_bucket:
        raise BootError(
            f"S3_RESULTS_BUCKET is {settings.s3_results_bucket!r}, which S3_TEMP_BUCKET is too; it takes a bucket of its own, "
            "because results are shown to people and uploads are not."
        )
    _check_auth(settings)
    return settings


def _check_auth(settings: Settings) -> None:
    try:
        apikeys.parse(secret(settings.api_keys))
    except ValueError as error:
        raise BootError(f"API_KEYS {error}") from None
    if settings.auth_mode == "none":
        return
    length = len(secret(settings.auth_secret_key))
    if length < 32:
        raise BootError(
            f"AUTH_SECRET_KEY has {length} characters; with AUTH_MODE={settings.auth_mode} it needs at least 32 random ones."
        )
    basic = settings.auth_mode == "basic"
    name = "AUTH_BASIC_USERS" if basic else "AUTH_OIDC_PROVIDERS"
    try:
        if basic:
            users.parse(secret(settings.auth_basic_users))
        else:
            oidc_providers.parse(secret(settings.auth_oidc_providers))
    except ValueError as error:
        raise BootError(f"{name} {error}") from None


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    field = str(first["loc"][0]).lower()
    shown = "is not accepted" if field in SECRETS else f"is {first['input']!r}"
    return f"{field.upper()} {shown}; it takes {_accepted(first, Settings.model_fields[field])}."


def _accepted(error, field: FieldInfo) -> str:
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    if error["type"] == "literal_error":
        return error["ctx"]["expected"].replace("'", "")
    if error["type"] == "string_too_short":
        return "a text that is not empty"
    if field.annotation is bool:
        return "true or false"
    kind = "a number" if field.annotation is float else "a whole number"
    low = next((m.ge for m in field.metadata if hasattr(m, "ge")), None)
    high = next((m.le for m in field.metadata if hasattr(m, "le")), None)
    return f"{kind} from {low} to {high}" if high is not None else f"{kind} of at least {low}"
