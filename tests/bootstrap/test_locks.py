from __future__ import annotations

import hashlib
import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from support.checkout import ROOT

LOCKS = ("requirements.lock", "requirements-dev.lock")


def pinned(lock: str) -> dict[str, set[str]]:
    versions: dict[str, set[str]] = {}
    for name, version in re.findall(
        r"^([A-Za-z0-9._-]+)==(\S+)", (ROOT / lock).read_text(), re.MULTILINE
    ):
        versions.setdefault(canonicalize_name(name), set()).add(version)
    return versions


@pytest.mark.parametrize("lock", LOCKS)
def test_the_first_line_is_the_digest_of_the_others(lock: str) -> None:
    first, _, rest = (ROOT / lock).read_text().partition("\n")
    digest = hashlib.sha256(rest.encode()).hexdigest()
    assert first == f"# unibuild requirements {digest}", "run .ci/lock-requirements"


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_has_hashes_and_no_index_is_named(lock: str) -> None:
    text = (ROOT / lock).read_text()
    blocks = re.findall(
        r"^[A-Za-z0-9][^\n]*\\\n(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+", text, re.MULTILINE
    )
    assert len(blocks) == len(re.findall(r"^[A-Za-z0-9]", text, re.MULTILINE))
    assert "://" not in text
    assert "--index" not in text


def test_the_locks_cover_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for lock, asked in (
        ("requirements.lock", project["dependencies"]),
        ("requirements-dev.lock", project["optional-dependencies"]["dev"]),
    ):
        versions = pinned(lock)
        for requirement in map(Requirement, asked):
            found = versions.get(canonicalize_name(requirement.name), set())
            assert found, f"{lock} lacks {requirement.name}: run .ci/lock-requirements"
            assert all(version in requirement.specifier for version in found), requirement


def test_development_has_the_same_versions_as_use() -> None:
    use, development = pinned("requirements.lock"), pinned("requirements-dev.lock")
    assert {name: development.get(name) for name in use} == use
