"""Keys and actions: whatever signs, no action of a build sees it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.attesting import Pair, pair
from verify.rebuilds import Small

pytestmark = pytest.mark.network


@pytest.fixture
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pair:
    """The user's own key, and the same one in a variable, as a CI job has it."""
    config = tmp_path / "home" / ".config" / "unibuild"
    config.mkdir(parents=True)
    one = pair(config, "signing-key")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RELEASE_KEY", one.private.read_text())
    return one


def seen_by(small: Callable[..., Small], look: str, sandbox: str) -> bytes:
    """Return what an action of this command wrote."""
    text = f"[genrule.joined]\nsrcs = ['words']\nouts = ['seen']\ncmd = '{look}'\n"
    workspace = small(text, sandbox=sandbox)
    report = workspace.build("//:joined")
    return (workspace.root / report.outputs[0].path).read_bytes()


def hidden(seen: bytes, key: Pair) -> None:
    assert b"SOURCE_DATE_EPOCH" in seen  # it did look at environments
    secret = "".join(key.private.read_text().splitlines()[1:-1]).encode()
    for word in (secret, b"RELEASE_KEY", b"PRIVATE KEY", str(key.private).encode()):
        assert word not in seen


def test_no_key_is_in_the_environment_the_arguments_or_the_files_of_an_action(
    small: Callable[..., Small], key: Pair
) -> None:
    # The action looks at its environment and arguments, at those of every process that it can see, and
    # at every file that it can open but its own output.
    seen = seen_by(
        small,
        "{ env; cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline; "
        "find / \\( -path /proc -o -path /sys -o -path /build/unibuild-out \\) -prune "
        "-o -type f -exec head -c 500000 {} \\;; } 2>/dev/null | head -c 20000000 > $@",
        "required",
    )
    assert b"some words" in seen  # it did look at files
    hidden(seen, key)


def test_without_a_sandbox_the_environment_and_the_arguments_have_no_key_either(
    small: Callable[..., Small], key: Pair
) -> None:
    look = "{ env; cat /proc/self/environ /proc/self/cmdline; } > $@"
    hidden(seen_by(small, look, "none"), key)
