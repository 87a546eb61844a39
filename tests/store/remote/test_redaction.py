from __future__ import annotations

from base64 import b64encode
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unibuild.store.remote.redaction import (
    MASK,
    MAXIMUM_TEXT,
    Redactor,
    is_sensitive,
    without_user_information,
)

SECRET = "s3cr3t/with+signs="  # noqa: S105 - it is looked for, not used


def redactor(*secrets: str) -> Redactor:
    made = Redactor()
    for secret in secrets:
        made.add(secret)
    return made


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        f"Bearer {SECRET}",
        b64encode(SECRET.encode()).decode(),
        b64encode(SECRET.encode()).decode().rstrip("="),
        quote(SECRET, safe=""),
        f"<{SECRET}>{SECRET}",
    ],
)
def test_every_form_of_a_secret_is_masked(form: str) -> None:
    cleaned = redactor(f"Bearer {SECRET}").clean(f"refused: {form} is unknown")
    assert "s3cr3t" not in cleaned
    assert form not in cleaned
    assert MASK in cleaned


def test_of_two_secrets_the_longer_is_masked_whole() -> None:
    assert redactor("abcdef", "abcdefghij").clean("x abcdefghij y") == f"x {MASK} y"


def test_short_values_are_left_in_peace() -> None:
    assert redactor("", "a", "abc").clean("an abacus, abc") == "an abacus, abc"


def test_foreign_text_becomes_one_short_line() -> None:
    assert Redactor().clean("one\r\n two\x1b[31m\tthree\x00") == "one two [31m three"
    assert len(Redactor().clean("x" * 10_000)) == MAXIMUM_TEXT


def test_a_secret_at_the_cut_is_masked_first() -> None:
    text = "x" * (MAXIMUM_TEXT - 6) + SECRET
    assert "s3cr" not in redactor(SECRET).clean(text)


def test_user_information_of_urls_is_masked() -> None:
    assert without_user_information("grpcs://me:pw@host:1/x") == f"grpcs://{MASK}@host:1/x"
    assert without_user_information("grpcs://host:1") == "grpcs://host:1"


@pytest.mark.parametrize(
    ("header", "value", "secret"),
    [
        ("Authorization", "x", True),
        ("x-api-key", "x", True),
        ("cookie", "x", True),
        ("x-team", "build", False),
        ("x-whatever", "0123456789abcdef", True),
    ],
)
def test_headers_that_hold_secrets(header: str, value: str, secret: bool) -> None:
    assert is_sensitive(header, value) is secret


@given(st.text(min_size=8, max_size=40), st.text(max_size=50), st.text(max_size=50))
def test_no_text_carries_a_secret(secret: str, before: str, after: str) -> None:
    assert secret not in redactor(secret).clean(before + secret + after) or secret in MASK
