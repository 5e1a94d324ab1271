# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the gateway refuses to start with, and how it says so."""

import pytest
from argon2 import PasswordHasher
from reference_gateway.settings import BootError

KEY = "k" * 32
RECORD = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("x")
PROVIDER = '{"id":"one","display_name":"One","discovery_url":"https://id.test/x","client_id":"c","client_secret":"s"%s}'
OIDC = {"AUTH_MODE": "oidc", "AUTH_SECRET_KEY": KEY}


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"AUTH_MODE": "ldap"}, "AUTH_MODE is 'ldap'; it takes none, basic or oidc."),
        ({"AI_PROVIDER": "openai"}, "AI_PROVIDER is 'openai'; it takes anthropic or bedrock."),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL is 'LOUD'; it takes DEBUG, INFO, WARNING, ERROR or CRITICAL."),
        ({"REDIS_MAX_CONNECTIONS": "1001"}, "REDIS_MAX_CONNECTIONS is '1001'; it takes a whole number from 1 to 1000."),
        ({"DOCLING_SERVE_TIMEOUT": "9"}, "DOCLING_SERVE_TIMEOUT is '9'; it takes a whole number from 10 to 600."),
        (
            {"MAX_UPLOAD_SIZE": "1073741825"},
            "MAX_UPLOAD_SIZE is '1073741825'; it takes a whole number from 1 to 1073741824.",
        ),
        ({"MAX_UPLOAD_SIZE": "100M"}, "MAX_UPLOAD_SIZE is '100M'; it takes a whole number from 1 to 1073741824."),
        ({"PDF_MAX_PAGES": "501"}, "PDF_MAX_PAGES is '501'; it takes a whole number from 1 to 500."),
        ({"PDF_IMAGES_SCALE": "3.5"}, "PDF_IMAGES_SCALE is '3.5'; it takes a number from 1 to 3."),
        (
            {"PIPELINE_TIMEOUT_SECONDS": "59"},
            "PIPELINE_TIMEOUT_SECONDS is '59'; it takes a whole number from 60 to 7200.",
        ),
        (
            {"TEMP_FILE_RETENTION_HOURS": "721"},
            "TEMP_FILE_RETENTION_HOURS is '721'; it takes a whole number from 1 to 720.",
        ),
        (
            {"AUTH_SESSION_TTL_SECONDS": "299"},
            "AUTH_SESSION_TTL_SECONDS is '299'; it takes a whole number from 300 to 2592000.",
        ),
        ({"JOB_TTL_FAILED": "0"}, "JOB_TTL_FAILED is '0'; it takes a whole number of at least 1."),
        ({"AUTH_COOKIE_SECURE": "maybe"}, "AUTH_COOKIE_SECURE is 'maybe'; it takes true or false."),
        (
            {"S3_TEMP_BUCKET": "Upper"},
            "S3_TEMP_BUCKET is 'Upper'; it takes a bucket name of 3 to 63 lower case letters, digits, dots and hyphens.",
        ),
        (
            {"S3_TEMP_BUCKET": "same-one", "S3_RESULTS_BUCKET": "same-one"},
            (
                "S3_RESULTS_BUCKET is 'same-one', which S3_TEMP_BUCKET is too; it takes a bucket of its own, "
                "because results are shown to people and uploads are not."
            ),
        ),
        (
            {"S3_PUBLIC_URL": "files.test"},
            "S3_PUBLIC_URL is 'files.test'; it takes an http:// or https:// URL without query.",
        ),
        (
            {"DOCLING_SERVE_URL": "http://d:port"},
            "DOCLING_SERVE_URL is 'http://d:port'; it takes an http:// or https:// URL without query.",
        ),
        (
            {"REDIS_URL": "http://:hunter2@redis"},
            "REDIS_URL is not accepted; it takes redis://[:password@]host[:port][/number], or rediss:// for TLS, the password URL-encoded.",
        ),
        (
            {"AUTH_POST_LOGIN_REDIRECT": "//evil.test"},
            "AUTH_POST_LOGIN_REDIRECT is '//evil.test'; it takes a path on this site that starts with one slash.",
        ),
        (
            {"AUTH_SESSION_COOKIE_NAME": "a b"},
            "AUTH_SESSION_COOKIE_NAME is 'a b'; it takes a name of letters, digits, underscores and hyphens.",
        ),
        (
            {"API_KEY_HEADER_NAME": "X Key"},
            "API_KEY_HEADER_NAME is 'X Key'; it takes a header name of letters, digits and hyphens.",
        ),
        (
            {"API_KEYS": "good:1,bad:"},
            "API_KEYS has an entry without a label or a key (entry 2); accepted are `key` and `label:key`.",
        ),
        (
            {"AUTH_MODE": "basic", "AUTH_BASIC_USERS": f"ada:{RECORD}"},
            "AUTH_SECRET_KEY has 0 characters; with AUTH_MODE=basic it needs at least 32 random ones.",
        ),
        (
            {**OIDC, "AUTH_SECRET_KEY": "k" * 31},
            "AUTH_SECRET_KEY has 31 characters; with AUTH_MODE=oidc it needs at least 32 random ones.",
        ),
        (
            {"AUTH_MODE": "basic", "AUTH_SECRET_KEY": KEY, "AUTH_BASIC_USERS": "ada:secret;:;x"},
            "AUTH_BASIC_USERS holds no usable entry; with AUTH_MODE=basic it needs `name:$argon2id$...` entries joined by `;`.",
        ),
        ({**OIDC}, "AUTH_OIDC_PROVIDERS is not JSON; it takes a list of objects on one line."),
        (
            {**OIDC, "AUTH_OIDC_PROVIDERS": "[]"},
            "AUTH_OIDC_PROVIDERS is not a list with at least one provider, which AUTH_MODE=oidc needs.",
        ),
        (
            {**OIDC, "AUTH_OIDC_PROVIDERS": '[{"id":"one"}]'},
            "AUTH_OIDC_PROVIDERS has in entry 1 no text for the key 'display_name'; needed are id, display_name, discovery_url, client_id, client_secret.",
        ),
        (
            {**OIDC, "AUTH_OIDC_PROVIDERS": f"[{PROVIDER % ''},{PROVIDER % ''}]"},
            "AUTH_OIDC_PROVIDERS names the id 'one' twice; every provider needs its own.",
        ),
        (
            {**OIDC, "AUTH_OIDC_PROVIDERS": "[" + PROVIDER % ',"scopes":"email"' + "]"},
            "AUTH_OIDC_PROVIDERS has in entry 1 scopes without openid; they are words separated by blanks and openid is one of them.",
        ),
    ],
    ids=lambda value: next(reversed(value)) if isinstance(value, dict) else "",
)
def test_a_wrong_value_is_one_sentence(settings, variables: dict[str, str], sentence: str) -> None:
    with pytest.raises(BootError) as refused:
        settings(**variables)
    assert str(refused.value) == sentence


def test_no_sentence_shows_a_secret(settings) -> None:
    for name, value in (("REDIS_URL", "hunter2://x"), ("API_KEYS", "label:,hunter2:")):
        with pytest.raises(BootError) as refused:
            settings(**{name: value})
        assert "hunter2" not in str(refused.value)


def test_defaults_are_the_contracts(settings) -> None:
    read = settings()
    assert read.redis_url.get_secret_value() == "redis://redis:6379"
    assert (read.s3_temp_bucket, read.s3_results_bucket) == ("equalify-temp", "equalify-results")
    assert (read.pii_queue_name, read.job_status_prefix) == ("eq-pdf:queue:pii", "eq-pdf:job:")
    assert (read.auth_mode, read.auth_session_ttl_seconds, read.auth_session_cookie_name) == (
        "none",
        28800,
        "reflow_session",
    )
    assert (read.max_upload_size, read.pdf_max_pages, read.docling_serve_timeout) == (104857600, 50, 120)
    assert (
        read.docling_do_ocr and read.docling_do_table_structure and read.enable_api_key_auth and read.auth_cookie_secure
    )


def test_empty_means_unset_and_case_does_not_matter(settings, monkeypatch) -> None:
    monkeypatch.setenv("pdf_max_pages", "7")
    assert settings(S3_PUBLIC_URL="").s3_public_url is None
    assert settings(S3_PUBLIC_URL="https://f.test/").s3_public_url == "https://f.test"
    assert settings(LOG_LEVEL="debug").log_level == "DEBUG"


def test_a_malformed_user_is_skipped_without_being_shown(settings, caplog) -> None:
    settings(AUTH_MODE="basic", AUTH_SECRET_KEY=KEY, AUTH_BASIC_USERS=f"eve:hunter2;ada:{RECORD}")
    assert caplog.messages == ["AUTH_BASIC_USERS: entry 1 is not `name:$argon2...` and is skipped"]
