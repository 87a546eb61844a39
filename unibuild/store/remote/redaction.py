"""Secrets stay inside: every text that leaves this package towards a person passes through here.

A ``Redactor`` knows the secrets of one connection (token, header values, the password in a URL) and
replaces each, also in its base64 and percent-encoded forms, by ``[secret]``. What a server says is
foreign text: it is cut to one line of printable characters.
"""

from __future__ import annotations

import re
from base64 import b64encode
from urllib.parse import quote

MASK = "[secret]"
MAXIMUM_TEXT = 300
_SHORTEST = 4  # a shorter value would blot out ordinary words

_SENSITIVE = re.compile(r"auth|token|secret|password|key|cookie|credential|session", re.IGNORECASE)
_LONG = 16
_USER_INFORMATION = re.compile(r"(?<=://)[^/@\s]+(?=@)")
_SCHEMES = ("bearer ", "basic ")


def is_sensitive(header: str, value: str) -> bool:
    """Whether a header's value has to be kept secret: by its name, or long enough to be a key."""
    return bool(_SENSITIVE.search(header)) or len(value) >= _LONG


def without_user_information(url: str) -> str:
    """Return ``url`` without the user and password before its host."""
    return _USER_INFORMATION.sub(MASK, url)


class Redactor:
    """The secrets of one connection; more may be added as they become known."""

    def __init__(self) -> None:
        """Start with none."""
        self._secrets: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def add(self, secret: str) -> None:
        """Hide ``secret`` from now on; of ``Bearer X`` also ``X`` alone."""
        for form in (secret, *_without_scheme(secret)):
            if len(form) < _SHORTEST:
                continue
            encoded = b64encode(form.encode()).decode()
            self._secrets |= {form, encoded, encoded.rstrip("="), quote(form, safe="")}
        longest_first = sorted(self._secrets, key=len, reverse=True)
        if longest_first:
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def clean(self, text: str) -> str:
        """Return ``text`` with secrets masked, on one line, of at most ``MAXIMUM_TEXT`` characters."""
        if self._pattern is not None:
            text = self._pattern.sub(MASK, text)
        text = without_user_information(text)
        if not text.isprintable():
            text = "".join(c if c.isprintable() else " " for c in text)
        text = " ".join(text.split())
        return text if len(text) <= MAXIMUM_TEXT else text[: MAXIMUM_TEXT - 1] + "…"


def _without_scheme(secret: str) -> list[str]:
    return [secret[len(word) :].strip() for word in _SCHEMES if secret.lower().startswith(word)]
