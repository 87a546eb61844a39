from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unibuild.loading.server_url import ENGINE_SCHEMES, mistake_in


@pytest.mark.parametrize(
    "url",
    [
        "grpc://127.0.0.1:8980",
        "grpc://[::1]:8980",
        "grpcs://cache.example.test",
        "grpcs://cache.example.test:443",
        "grpcs://my_cache-1.example.test:1",
        "unix:/run/cache.sock",
        "unix:///run/cache.sock",
        "http://127.0.0.1:8080",
        "https://cache.example.test/team/cache",
        "s3://bucket",
        "s3://bucket/folder",
        "s3://bucket?region=us-east-1&anonymous=true",
        "file:///var/cache/team",
    ],
)
def test_addresses_of_servers_and_folders(url: str) -> None:
    assert mistake_in(url) is None


@pytest.mark.parametrize(
    ("url", "cause", "hint"),
    [
        ("", "is empty", "grpc://HOST:PORT"),
        ("cache.example.test:8980", "does not say how to speak to it", "`grpcs://cache.example.test:8980`"),
        ("/run/cache.sock", "does not say what it is", "`unix:/run/cache.sock`"),
        ("cache", "does not begin with", "grpcs://HOST"),
        ("grcp://h:1", "cannot begin with `grcp:`", "did you mean `grpc`?"),
        ("GRPC://h:1", "cannot begin with `GRPC:`", "did you mean `grpc`?"),
        ("redis://h:1", "cannot begin with `redis:`", "it begins with `grpc://`"),
        ("grpc:/h:1", "lacks the slashes", "`grpc://HOST:PORT`"),
        ("grpc://", "names no host", "`grpc://HOST:PORT`"),
        ("grpc://:1", "names no host", "`grpc://HOST:PORT`"),
        ("grpc://h", "names no port", "`grpcs://HOST`"),
        ("grpc://h:", "has the port ``", "from 1 to 65535"),
        ("grpc://h:0", "has the port `0`", "from 1 to 65535"),
        ("grpc://h:65536", "has the port `65536`", "from 1 to 65535"),
        ("grpc://h:٣", "has the port `٣`", "from 1 to 65535"),
        ("grpc://::1:8980", "has the host `::1:8980`", "in brackets"),
        ("grpc://h/main", "goes on after host and port: `/main`", '`instance = "main"`'),
        ("grpc://ho st:1", "has a blank", "without it"),
        ("grpc://-h:1", "has the host `-h`", "grpc://HOST:PORT"),
        ("grpcs://user:pass@h", "holds a name or password", "token_variable"),
        ("unix:/", "names no socket", "unix:/run/cache.sock"),
        (f"unix:/{'x' * 107}", "more than 107 bytes", "shorter"),
        ("s3://bucket:9000/x", "has a port", "AWS_ENDPOINT_URL"),
        ("file://folder", "names no folder", "file:///FOLDER"),
    ],
)  # fmt: skip
def test_mistakes(url: str, cause: str, hint: str) -> None:
    mistake = mistake_in(url)
    assert mistake is not None
    assert cause in mistake.cause
    assert hint in mistake.hint


def test_an_engine_is_no_folder() -> None:
    mistake = mistake_in("https://cache.example.test", ENGINE_SCHEMES)
    assert mistake is not None
    assert mistake.hint == "it begins with `grpc://`, `grpcs://` or `unix:`"


@given(
    st.text(max_size=30), st.sampled_from(["grpc://", "grpcs://", "unix:", "s3://", "file://", ""])
)
def test_any_text_gets_an_answer_without_the_password(text: str, scheme: str) -> None:
    mistake_in(scheme + text)
    mistake = mistake_in("grpcs://user:5ecret@host/x")
    assert mistake is not None
    assert "5ecret" not in mistake.cause + mistake.hint
