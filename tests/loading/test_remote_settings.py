from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from support.mistakes import mistakes_of

from unibuild.cli.render import error_lines
from unibuild.cli.terminal import Terminal
from unibuild.loading.workspace import read_workspace
from unibuild.model.errors import UnibuildError

Tree = Callable[[Mapping[str, str | bytes]], Path]
KEY = "ed25519:" + "A" * 43 + "="
MARKER = "5ecret-marker"


def read(tree: Tree, cache: str = "", execution: str = "") -> tuple[UnibuildError, ...]:
    text = 'name = "w"\n'
    text += f"[cache.remote]\n{cache}\n" if cache else ""
    text += f"[execution.remote]\n{execution}\n" if execution else ""
    root = tree({"WORKSPACE.toml": text})
    return mistakes_of(lambda: read_workspace(root))


def test_every_setting_is_read(tree: Tree) -> None:
    root = tree(
        {
            "WORKSPACE.toml": f"""\
name = "team"
digest = "sha256"
[cache.remote]
url = "grpcs://cache.example.test"
instance = "team/main"
upload = true
headers = {{ X-Team = "blue" }}
token_variable = "CACHE_TOKEN"
ca = "certificates/ca.pem"
certificate = "certificates/me.pem"
key = "certificates/me.key"
timeout = 30
require_signed = ["{KEY}"]
signing_key = "~/key.pem"
compress = false
download = "minimal"
[execution.remote]
url = "unix:/run/engine.sock"
credential_helper = "tools/helper"
jobs = 100
priority = -1
"""
        }
    )
    settings = read_workspace(root).settings
    assert settings.cache.remote is not None
    assert settings.cache.remote.upload
    assert settings.cache.remote.require_signed == (KEY,)
    assert settings.cache.remote.timeout == 30
    assert settings.execution.remote is not None
    assert settings.execution.remote.jobs == 100


def test_defaults_read_and_do_not_write(tree: Tree) -> None:
    root = tree({"WORKSPACE.toml": 'name = "w"\n[cache.remote]\nurl = "grpc://h:1"\n'})
    settings = read_workspace(root).settings
    assert settings.cache.remote is not None
    assert not settings.cache.remote.upload
    assert settings.cache.remote.download == "toplevel"
    assert settings.execution.remote is None


@pytest.mark.parametrize(
    ("line", "identifier", "hint"),
    [
        ('urls = "grpc://h:1"', "unknown-attribute", "did you mean `url`?"),
        ('url = "grcp://h:1"', "bad-url", "did you mean `grpc`?"),
        ('instance = "/main"', "bad-value", "without a slash"),
        ('instance = "a/blobs"', "bad-value", "resource names"),
        ("timeout = 0", "bad-value", ""),
        ("timeout = 3601", "bad-value", ""),
        ("timeout = 1.5", "wrong-type", ""),
        ('upload = "yes"', "wrong-type", ""),
        ('upload = true\nurl = "https://example.test/x"', "bad-value", "cache push"),
        ('download = "some"', "bad-value", "`all`, `toplevel` or `minimal`"),
        ('headers = { "a b" = "x" }', "bad-value", "letters, digits"),
        ('headers = { Host = "x" }', "bad-value", "remove it"),
        ('headers = { grpc-timeout = "x" }', "bad-value", "remove it"),
        ('headers = { x-bin = "x" }', "bad-value", "without `-bin`"),
        ('headers = { X-Team = "blau\\nrot" }', "bad-value", "printable ASCII"),
        ('token_variable = "A"\ncredential_helper = "b"', "bad-value", "keep one"),
        ('token_variable = "a b"', "bad-value", "never the token itself"),
        ('key = "k.pem"', "bad-value", "add `certificate`"),
        ('certificate = "c.pem"', "bad-value", "add `key`"),
        ('url = "grpc://h:1"\nca = "ca.pem"', "bad-value", "`grpcs://h:1`"),
        ('require_signed = ["ed25519:AAAA"]', "bad-value", "unibuild cache key"),
        (f'require_signed = ["{KEY}", "x"]', "bad-value", "unibuild cache key"),
    ],
)
def test_a_mistake_has_its_place_and_what_is_right(
    tree: Tree, line: str, identifier: str, hint: str
) -> None:
    (error,) = read(tree, line)
    assert error.id == identifier
    assert hint in error.hint
    assert error.place is not None
    assert error.place.line == 3 or (error.place.line == 4 and "\n" in line)


@pytest.mark.parametrize(
    ("line", "identifier", "hint"),
    [
        ('url = "https://example.test/x"', "bad-url", "`grpc://`, `grpcs://` or `unix:`"),
        ("jobs = 0", "bad-value", ""),
        ("upload = true", "unknown-attribute", "it takes"),
    ],
)
def test_mistakes_about_an_engine(tree: Tree, line: str, identifier: str, hint: str) -> None:
    (error,) = read(tree, execution=line)
    assert error.id == identifier
    assert hint in error.hint


def test_numbers_have_limits(tree: Tree) -> None:
    (error,) = read(tree, "timeout = 0")
    assert error.cause == "`cache.remote.timeout` must be at least 1, not the number 0"
    (error,) = read(tree, execution="jobs = 10001")
    assert error.cause == "`execution.remote.jobs` must be at most 10000, not the number 10001"


@pytest.mark.parametrize(
    "line",
    [
        f'headers = {{ Authorization = "Bearer {MARKER}" }}',
        f'headers = {{ X-Team = "blue", Cookie = "{MARKER}", X-Api-Key = \'{MARKER}\' }}',
        f'headers."x-buildbuddy-api-key" = "{MARKER}"',
        f'headers.custom = "Bearer {MARKER}"',
        f'headers = {{ "bad name" = "{MARKER}" }}',
        f'headers.Authorization = """{MARKER}\nmore"""',
        f'url = "grpcs://user:{MARKER}@cache.example.test"',
        f'token_variable = "ghp.{MARKER}"',
    ],
)
def test_a_secret_written_in_plain_is_refused_and_not_shown(
    tree: Tree, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    errors = read(tree, line)
    shown = "\n".join(one for error in errors for one in error_lines(error, Terminal()))
    assert MARKER not in shown
    assert "token_variable" in shown or "header" in shown
    assert errors
    assert all(error.place is not None and error.place.line == 3 for error in errors)


@pytest.mark.parametrize("value", [f'"Bearer {MARKER}', f'"Bearer \\q{MARKER}"', f"'{MARKER}' x"])
def test_a_line_that_is_no_toml_does_not_show_its_secret(tree: Tree, value: str) -> None:
    (error,) = read(tree, f"headers.Authorization = {value}")
    assert error.id == "bad-toml"
    assert error.place is not None
    assert error.place.text == "headers.Authorization = …"
