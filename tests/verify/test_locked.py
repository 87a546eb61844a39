"""V1: what is pinned passes; each way in which something floats is named with its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from support.command import ROOT
from verify.rebuilds import GOOD, Small

from unibuild.external import lock
from unibuild.external.lock import Lock, LockedFile
from unibuild.loading.workspace import read_workspace
from unibuild.model.actions import Action, ActionGraph
from unibuild.model.artifacts import Artifact, Origin
from unibuild.model.errors import UnibuildError, UserError
from unibuild.verify import locked
from unibuild.verify.outcome import Outcome

pytestmark = pytest.mark.network

Make = Callable[..., Small]
BUSYBOX = "pkg:deb/debian/busybox-static@1:1.35.0-4+deb12u1+b1?arch=amd64"
ARCHIVE = f"""
[external_archive.tools]
purl = "{BUSYBOX}"
"""
STARTS_A_PROGRAM = '''\
"""Rules of this workspace."""

from unibuild.analysis.api import Attributes, DefaultInfo, Provider, RuleContext, rule


class HostAttributes(Attributes):
    pass


@rule("host", HostAttributes, provides=(DefaultInfo,), doc="Starts a program of the machine.")
def host(ctx: RuleContext[HostAttributes]) -> list[Provider]:
    output = ctx.declare_file(ctx.label.name)
    ctx.action("Host", ["/bin/cp", "/dev/null", output], inputs=[], outputs=[output])
    return [DefaultInfo((output,))]
'''


def busybox() -> LockedFile:
    return lock.read(ROOT / "unibuild.lock").packages[BUSYBOX][0]


def lock_of(workspace: Small, packages: dict[str, tuple[LockedFile, ...]]) -> None:
    lock.write(workspace.root / lock.LOCK_NAME, Lock(packages))


def only_error(outcome: Outcome) -> UnibuildError:
    assert outcome.status == "failed"
    (error,) = outcome.errors
    assert isinstance(error, UserError)
    assert error.id == "not-locked-down"
    assert error.hint
    return error


def test_what_is_pinned_passes(small: Make) -> None:
    workspace = small(GOOD + ARCHIVE)
    lock_of(workspace, {BUSYBOX: (busybox(),)})
    outcome = locked.run(workspace.bench())
    assert outcome.status == "passed", outcome.errors
    (package,) = outcome.facts["packages"]  # type: ignore[misc]
    assert package["purl"] == BUSYBOX
    assert package["sha256"] == busybox().sha256
    assert package["here"] is True
    assert outcome.facts["sources"] == 1
    (program,) = outcome.facts["toolchains"].items()  # type: ignore[attr-defined]
    assert program[0].endswith("bin/busybox")
    assert program[1] == [BUSYBOX]
    assert outcome.notes == ()


def test_a_lock_entry_that_nothing_declares(small: Make) -> None:
    workspace = small()
    lock_of(workspace, {BUSYBOX: (busybox(),)})
    error = only_error(locked.run(workspace.bench()))
    assert BUSYBOX in error.cause
    assert error.place is not None
    assert error.place.file == "unibuild.lock"
    assert error.place.text == f'purl = "{BUSYBOX}"'


def test_a_package_that_only_another_target_declares(small: Make) -> None:
    workspace = small(GOOD + ARCHIVE)
    error = only_error(locked.run(workspace.bench()))
    assert "is declared, and not in unibuild.lock" in error.cause
    assert error.place is not None
    assert error.place.file == "BUILD.toml"
    assert BUSYBOX in error.place.text


@pytest.mark.parametrize("version", ["latest", "stable", "*"])
def test_a_version_that_floats(small: Make, version: str) -> None:
    floating = f"pkg:deb/debian/busybox-static@{version}?arch=amd64"
    workspace = small(GOOD + ARCHIVE.replace(BUSYBOX, floating))
    lock_of(workspace, {floating.replace("*", "%2A"): (busybox(),)})
    error = only_error(locked.run(workspace.bench("//:tools")))
    assert f"'{version}'" in error.cause
    assert error.place is not None
    assert floating in error.place.text


@pytest.mark.parametrize("version", [">=0.17", "0.17.*", "main"])
def test_a_version_of_a_python_package_that_floats(small: Make, version: str) -> None:
    floating = f"pkg:pypi/ziglang@{version}"
    workspace = small(f'{GOOD}\n[external_archive.zig]\npurl = "{floating}"\n')
    outcome = locked.run(workspace.bench())
    assert any(f"'{version}'" in error.cause for error in outcome.errors), outcome.errors


def test_a_digest_in_the_lock_that_is_not_the_files(small: Make) -> None:
    workspace = small(GOOD + ARCHIVE)
    lock_of(workspace, {BUSYBOX: (replace(busybox(), sha256="0" * 64),)})
    error = only_error(locked.run(workspace.bench()))
    assert busybox().name in error.cause
    assert any(busybox().sha256 in line for line in error.detail)


def test_a_damaged_lock_is_the_users(small: Make) -> None:
    workspace = small()
    bench = workspace.bench()
    workspace.write("unibuild.lock", "version = 1\n[[package]]\npurl = ")
    with pytest.raises(UserError) as raised:
        locked.run(bench)
    assert raised.value.id == "bad-lock"


def test_a_program_of_the_machine(small: Make) -> None:
    workspace = small(GOOD + "[host.copied]\n", sandbox="none")
    workspace.write("WORKSPACE.toml", 'name = "small"\nrules = ["host.py"]\n')
    workspace.write("host.py", STARTS_A_PROGRAM)
    outcome = locked.run(workspace.bench("//:copied"))
    error = only_error(outcome)
    assert "starts /bin/cp" in error.cause
    assert error.place is not None
    assert error.place.file == "BUILD.toml"


def test_without_a_sandbox_it_says_what_it_cannot_see(small: Make) -> None:
    outcome = locked.run(small(sandbox="none").bench())
    assert outcome.status == "passed"
    assert any("without a sandbox" in note for note in outcome.notes)


def test_a_package_that_is_not_here_is_said(small: Make, tmp_path: Path) -> None:
    bench = small().bench()
    outcome = locked.run(replace(bench, cache_root=tmp_path / "elsewhere"))
    assert outcome.status == "passed"
    assert any("not in this cache" in note for note in outcome.notes)


def test_a_source_that_leads_out_of_its_repository(small: Make, tmp_path: Path) -> None:
    workspace = small()
    (tmp_path / "outside").write_text("x")
    (workspace.root / "link").symlink_to(tmp_path / "outside")
    found = read_workspace(workspace.root)
    action = Action("//:joined", "Copy", ("tool",), (Artifact(Origin.SOURCE, "link"),), ())
    graph = ActionGraph((action,), {}, (), (), (), {"": str(workspace.root)})
    (error,) = locked._sources_outside(graph, found)
    assert "link is not inside its repository" in error.cause
    assert str(tmp_path / "outside") in error.detail[0]
