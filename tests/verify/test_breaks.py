"""Each check of ``unibuild verify``, broken on purpose through the command line.

Every test sees that the check failed with its own error id, that its bit and no other is in the mask,
that the exit status is as documented, and that nothing is called verified.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from support import attesting
from support.command import unibuild
from verify import releases
from verify.rebuilds import GOOD, Small
from verify.releases import Release, Verified

from unibuild.verify.checks import BY_NAME, CHECKS

pytestmark = [pytest.mark.network, pytest.mark.boot]

Make = Callable[..., Small]
DIFFERENCE, USER = 4, 2
KNOWN = """\
[[vulnerability]]
id = "CVE-2020-28928"
[[vulnerability.affected]]
purl = "pkg:deb/debian/musl"
files = ["src/multibyte/wcsnrtombs.c"]
functions = ["wcsnrtombs"]
"""
CALLS_IT = """\
#include <wchar.h>
int main(int argc, char **argv)
{
    const wchar_t *wide = L"wide";
    (void)argv;
    return wcsnrtombs((char[9]){0}, &wide, 4, (size_t)argc, 0) > 9;
}
"""
BROKEN: set[str] = set()
"""The checks that a test of this module breaks; the last test looks that none is missing."""


def breaks(check: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Mark a test as the one that breaks ``check``."""
    assert check in BY_NAME

    def mark(test: Callable[..., None]) -> Callable[..., None]:
        BROKEN.add(check)
        return test

    return mark


def assert_broken(found: Verified, check: str, code: int) -> None:
    """Assert that exactly ``check`` failed, and that everything says so."""
    assert found.report, found.errors
    assert found.status(check) == "failed", found.errors
    assert found.first_error(check) == BY_NAME[check].error_id
    assert found.report["failed"] == 1 << BY_NAME[check].bit
    assert found.report["verdict"] == "failed"
    assert found.code == code, found.errors
    assert f"error[{BY_NAME[check].error_id}]: " in found.errors
    assert "verified" not in found.errors
    assert "Traceback" not in found.errors


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """A release, for tests that spoil nothing of it."""
    return releases.release(tmp_path_factory.mktemp("release"))


@pytest.fixture
def spoilt(released: Release, tmp_path: Path) -> Release:
    """A copy of the release, to spoil."""
    return released.copy(tmp_path)


def only(workspace: Small, check: str, *options: str) -> Verified:
    return releases.verify(workspace.root, "//:joined", "--only", check, *options)


@breaks("locked")
def test_locked(small: Make) -> None:
    workspace = small(GOOD + '\n[external_archive.more]\npurl = "pkg:pypi/ziglang@0.17.1"\n')
    assert_broken(only(workspace, "locked"), "locked", USER)


@breaks("twice")
def test_twice(small: Make) -> None:
    workspace = small(GOOD.replace("tr a-z A-Z < $<", "head -c 8 /dev/urandom"))
    found = only(workspace, "twice")
    assert_broken(found, "twice", DIFFERENCE)
    assert "//:upper" in found.errors


@breaks("varied")
def test_varied(small: Make) -> None:
    workspace = small(GOOD.replace("tr a-z A-Z < $<", "uname -r"))
    assert only(workspace, "twice").code == 0
    found = only(workspace, "varied", "--vary", "kernel,umask")
    assert_broken(found, "varied", DIFFERENCE)
    assert "kernel" in found.errors


@breaks("cache")
def test_cache(small: Make) -> None:
    workspace = small()
    workspace.build()
    workspace.plant_result("//:upper", b"planted\n")
    found = only(workspace, "cache")
    assert_broken(found, "cache", DIFFERENCE)
    assert "//:upper" in found.errors


@breaks("hermetic")
def test_hermetic(small: Make) -> None:
    workspace = small(GOOD.replace("tr a-z A-Z < $<", "cat /proc/uptime"))
    found = only(workspace, "hermetic")
    assert_broken(found, "hermetic", DIFFERENCE)
    assert "//:upper" in found.errors


@breaks("materials")
def test_materials(spoilt: Release) -> None:
    settings = spoilt.root / "WORKSPACE.toml"
    settings.write_text(settings.read_text().replace("license", "# license"))
    assert_broken(spoilt.verify("--only", "materials"), "materials", USER)


@breaks("hardening")
def test_hardening(spoilt: Release) -> None:
    program = spoilt.root / "greeter" / "main.c"
    secret = "-----BEGIN PRIVATE KEY-----"  # noqa: S105 - only its first line
    program.write_text(program.read_text().replace("Hello", f"{secret} Hello"))
    assert_broken(spoilt.verify("--only", "hardening"), "hardening", USER)


@breaks("boots")
def test_boots(spoilt: Release) -> None:
    (spoilt.root / "greeter" / "main.c").write_text("int main(void) { return 3; }\n")
    found = spoilt.verify("--only", "boots")
    assert_broken(found, "boots", USER)


@breaks("absent")
def test_absent(spoilt: Release) -> None:
    (spoilt.root / "known.toml").write_text(KNOWN)
    vex = ("vex", releases.LABEL, "--vulnerabilities", "known.toml", "-o", "image.openvex.json")
    assert unibuild(*vex, cwd=spoilt.root).returncode == 0
    asked = ("--only", "absent", "--absent", "image.openvex.json")
    assert spoilt.verify(*asked).code == 0
    (spoilt.root / "greeter" / "main.c").write_text(CALLS_IT)
    assert_broken(spoilt.verify(*asked), "absent", USER)


@breaks("reference")
def test_reference(released: Release) -> None:
    found = released.verify("--only", "reference", "--reference", "sha256:" + "0" * 64)
    assert_broken(found, "reference", DIFFERENCE)


@breaks("signed")
def test_signed(released: Release, tmp_path: Path) -> None:
    stranger = attesting.pair(tmp_path, "stranger")
    found = released.verify("--only", "signed", "--signed-by", str(stranger.public))
    assert_broken(found, "signed", USER)


@breaks("policy")
def test_policy(spoilt: Release) -> None:
    policy = spoilt.published / "policy.toml"
    policy.write_text(policy.read_text().replace(releases.BUILDER, "https://other.example.com/"))
    found = spoilt.verify("--only", "policy", "--policy", str(policy))
    assert_broken(found, "policy", USER)


@breaks("reproduced")
def test_reproduced(released: Release) -> None:
    key = str(released.published / "release.pub")
    found = released.verify("--only", "reproduced", "--reproduced", "2", "--signed-by", key)
    assert_broken(found, "reproduced", USER)


@breaks("artefact")
def test_artefact(spoilt: Release) -> None:
    data = bytearray(spoilt.image.read_bytes())
    data[-1] ^= 1
    spoilt.image.write_bytes(data)
    found = spoilt.verify("image.elf", "--provenance", str(spoilt.provenance), cwd=spoilt.published)
    assert_broken(found, "artefact", DIFFERENCE)


def test_every_check_is_broken_here() -> None:
    assert {check.name for check in CHECKS} == BROKEN


def test_the_release_itself_passes_what_the_tests_break(released: Release) -> None:
    key, policy = released.published / "release.pub", released.published / "policy.toml"
    digest = json.loads((released.published / "image.manifest.json").read_text())["image"]["digest"]
    found = released.verify(
        "--only", "locked,materials,hardening,boots", "--reference", digest,
        "--signed-by", str(key), "--policy", str(policy),
    )  # fmt: skip
    assert found.code == 0, found.errors
    assert found.report["verdict"] == "passed"
    assert len(found.report["checks"]) == 7
