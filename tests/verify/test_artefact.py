"""V6: an image is rebuilt from what its provenance names, and from nothing else.

What is called an image here is a file of a shell command, so that a rebuild takes a second.
"""

from __future__ import annotations

import importlib.util
import json
import py_compile
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.command import ROOT
from verify import releases
from verify.rebuilds import Small

from unibuild.analysis.analyse import analyse
from unibuild.external import lock as locks
from unibuild.loading.workspace import read_workspace
from unibuild.model.errors import DifferenceError, HostError, UnibuildError, UserError
from unibuild.verify import artefact
from unibuild.verify.attestation import recording
from unibuild.verify.attestation.dependencies import STANDARD_PARTS
from unibuild.verify.outcome import Outcome, Quiet
from unibuild.verify.workbench import FileBench, ImageFiles, Options

Make = Callable[..., Small]
BUILD = """\
[genrule.upper]
srcs = ["words"]
outs = ["upper"]
cmd = "tr a-z A-Z < $< > $@"

[genrule.image]
srcs = [":upper", "more"]
outs = ["image.elf"]
cmd = "cat $(SRCS) > $@"
"""
LABEL = "//:image"


class Published:
    """A workspace in a Git repository, the image that was made of it, and its provenance."""

    def __init__(self, small: Make, folder: Path, build_text: str = BUILD) -> None:
        self.small = small(build_text)
        self.root = self.small.root
        self.folder = folder / "published"
        self.folder.mkdir()
        self.small.write("more", "and more\n")
        self.small.write(".gitignore", "/unibuild-out/\n/.unibuild/\n")
        releases.git(self.root, "init", "--quiet")
        releases.git(self.root, "remote", "add", "origin", f"file://{self.root}")
        self.commit("first")
        self.image = self.folder / "image.elf"
        self.provenance = self.folder / "image.provenance.json"
        self.attest()

    def commit(self, message: str) -> None:
        releases.git(self.root, "add", "--all")
        releases.git(self.root, "commit", "--quiet", "--message", message)

    def attest(self) -> None:
        self.small.build(LABEL)
        workspace = read_workspace(self.root)
        made = self.root / "unibuild-out" / "image.elf"
        lock = locks.merge(locks.read(path) for path in workspace.lock_paths if path.exists())
        statement = recording.provenance(
            workspace, analyse(workspace, [LABEL], "build"), lock, ImageFiles(made, made, made),
            recording.Run(LABEL, "required", sandboxed=True, execution="local", remote_cache=False),
        )  # fmt: skip
        statement["subject"] = statement["subject"][:1]
        self.image.unlink(missing_ok=True)
        shutil.copyfile(made, self.image)
        self.provenance.write_text(json.dumps(statement))

    def edit(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Change the build definition in the provenance."""
        statement = json.loads(self.provenance.read_text())
        change(statement["predicate"]["buildDefinition"])
        self.provenance.write_text(json.dumps(statement))

    def source(self, **fields: object) -> None:
        """Change what the provenance says of where the sources are from."""
        self.edit(lambda definition: definition["externalParameters"]["source"].update(fields))

    def dependency(self, name: str, change: Callable[[dict[str, Any]], object]) -> None:
        """Change one of the provenance's dependencies."""

        def apply(definition: dict[str, Any]) -> None:
            (found,) = [d for d in definition["resolvedDependencies"] if d["name"] == name]
            change(found)

        self.edit(apply)

    def bench(self, **options: object) -> FileBench:
        scratch = self.folder.parent / "again"
        scratch.mkdir()
        asked = replace(Options(provenances=(self.provenance,)), **options)  # type: ignore[arg-type]
        return FileBench(
            label="image.elf",
            image=ImageFiles(self.image, self.folder / "none", self.folder / "none"),
            cache_root=self.small.cache,
            jobs=2,
            sandbox="required",
            scratch=scratch,
            kept=self.folder / "unibuild-verify",
            rebuild_command=(sys.executable, "-m", "unibuild.cli.rebuild"),
            options=asked,
            progress=Quiet(),
        )

    def verify(self, **options: object) -> Outcome:
        return artefact.run(self.bench(**options))


@pytest.fixture
def published(small: Make, tmp_path: Path) -> Published:
    return Published(small, tmp_path)


def refused(
    outcome: Outcome, kind: type[UnibuildError], reason: str, identifier: str = artefact.ERROR_ID
) -> UnibuildError:
    assert outcome.status == ("not-done" if kind is HostError else "failed"), outcome
    error = outcome.errors[0]
    assert (type(error), error.id) == (kind, identifier)
    assert outcome.facts["reason"] == reason
    return error


def words(error: UnibuildError) -> str:
    return "\n".join([error.cause, *error.detail])


def test_an_image_is_rebuilt_from_its_commit(published: Published) -> None:
    published.small.write("words", "of a later commit\n")  # neither the work tree nor HEAD counts
    published.commit("second")
    published.small.write("words", "of nobody\n")
    outcome = published.verify()
    assert outcome.status == "passed", outcome.errors
    assert outcome.facts["actions"] == 3
    assert outcome.facts["sources"] == 4  # WORKSPACE.toml, BUILD.toml, words, more
    assert outcome.facts["packages"] == 1
    assert "rebuilt from commit" in outcome.summary
    assert not (published.folder / "unibuild-verify").exists()


def test_an_image_is_rebuilt_from_sources_at_hand(published: Published, tmp_path: Path) -> None:
    published.source(uri="git+https://gone.example.com/x", commit="2" * 40, dirty=["words"])
    given = tmp_path / "given"
    given.mkdir()
    for name in ("WORKSPACE.toml", "BUILD.toml", "words", "more"):
        shutil.copyfile(published.root / name, given / name)
    (given / "unwanted").write_text("what nobody named is not looked at\n")
    outcome = published.verify(sources=given)
    assert outcome.status == "passed", outcome.errors


def test_a_workspace_may_be_a_folder_of_its_repository(small: Make, tmp_path: Path) -> None:
    published = Published(small, tmp_path)
    shutil.rmtree(published.root / ".git")
    top = published.root.parent / "repository"
    (top / "deep").mkdir(parents=True)
    shutil.move(published.root, top / "deep" / "small")
    published.small.root = published.root = top / "deep" / "small"
    releases.git(top, "init", "--quiet")
    releases.git(top, "remote", "add", "origin", f"file://{top}")
    published.commit("first")
    published.attest()
    outcome = published.verify()
    assert outcome.status == "passed", outcome.errors


def test_a_tampered_image_is_another_one(published: Published) -> None:
    published.image.write_bytes(b"x" + published.image.read_bytes()[1:])
    error = refused(published.verify(), DifferenceError, "subject-mismatch")
    assert "is the provenance of another image" in error.cause


def test_provenance_of_another_image_is_refused(published: Published) -> None:
    before = published.image.read_bytes()
    published.small.write("words", "other words\n")
    published.commit("second")
    published.attest()
    published.image.write_bytes(before)
    refused(published.verify(), DifferenceError, "subject-mismatch")


def test_a_source_that_the_commit_has_otherwise_is_named(published: Published) -> None:
    published.small.write("words", "other words\n")
    published.commit("second")
    other = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=published.root, check=True, capture_output=True, text=True
    ).stdout.strip()
    published.source(commit=other)
    error = refused(published.verify(), DifferenceError, "sources-differ")
    assert "words is sha256:" in words(error)
    assert "more" not in words(error)


def test_a_source_that_is_gone_or_leads_elsewhere_is_named(
    published: Published, tmp_path: Path
) -> None:
    given = tmp_path / "given"
    shutil.copytree(published.root, given, ignore=shutil.ignore_patterns(".git", "unibuild-out"))
    (given / "more").unlink()
    shutil.copyfile(given / "words", tmp_path / "outside")
    (given / "words").unlink()
    (given / "words").symlink_to(tmp_path / "outside")
    error = refused(published.verify(sources=given), DifferenceError, "sources-differ")
    assert "more is not there" in words(error)
    assert "words leads out of the sources" in words(error)


def test_what_the_provenance_leaves_out_is_not_built_with(published: Published) -> None:
    published.edit(
        lambda definition: definition.update(
            resolvedDependencies=[
                d for d in definition["resolvedDependencies"] if d["name"] != "words"
            ]
        )
    )
    error = refused(published.verify(), DifferenceError, "not-rebuilt")
    assert "words" in words(error)


def test_an_image_that_is_never_the_same_is_explained(small: Make, tmp_path: Path) -> None:
    published = Published(small, tmp_path, BUILD.replace("tr a-z A-Z < $< > $@", "date +%s%N > $@"))
    error = refused(published.verify(), DifferenceError, "image-differs")
    assert error.cause == "rebuilt from its provenance, the image is another one"
    assert "another than in this cache: Genrule of //:upper" in words(error)
    assert "first cause: " in words(error)
    kept = published.folder / "unibuild-verify" / "artefact" / "image.elf"
    assert kept.read_bytes() != published.image.read_bytes()


@pytest.mark.parametrize("name", ["unibuild", "@unibuild"])
def test_another_unibuild_is_named(published: Published, name: str) -> None:
    published.dependency(
        name,
        lambda found: (
            found["digest"].update(dirHash="0" * 64),
            found["annotations"].update(version="0.0.7"),
        ),
    )
    error = refused(published.verify(), HostError, "another-unibuild", "another-unibuild")
    assert "made by unibuild 0.0.7" in error.cause
    assert error.hint == "verify it with unibuild 0.0.7"


def test_a_package_that_the_lock_pins_otherwise_is_named(published: Published) -> None:
    def other(definition: dict[str, Any]) -> None:
        for found in definition["resolvedDependencies"]:
            if found["annotations"].get("kind") == "package":
                found["digest"]["sha256"] = "0" * 64

    published.edit(other)
    error = refused(published.verify(), DifferenceError, "sources-differ")
    assert "busybox" in error.cause
    assert f"sha256:{'0' * 64}" in words(error)


def test_options_that_the_sources_do_not_have_are_named(published: Published) -> None:
    def other(definition: dict[str, Any]) -> None:
        definition["externalParameters"]["options"]["digestFunction"] = "sha256"

    published.edit(other)
    error = refused(published.verify(), DifferenceError, "sources-differ")
    assert error.cause.endswith("names sha256, and the sources say blake3")


@pytest.mark.parametrize(
    "uri",
    ["git+file:///no/such/repository", "git+https://127.0.0.1:1/x", "git+ssh://127.0.0.1/x"],
)
def test_sources_that_cannot_be_fetched_leave_it_undone(published: Published, uri: str) -> None:
    published.source(uri=uri)
    with pytest.raises(HostError) as raised:
        published.verify()
    assert raised.value.id == "sources-not-fetched"
    assert "--sources DIR" in raised.value.hint


def test_a_commit_that_is_gone_leaves_it_undone(published: Published) -> None:
    published.source(commit="3" * 40)
    with pytest.raises(HostError) as raised:
        published.verify()
    assert raised.value.id == "sources-not-fetched"


@pytest.mark.parametrize(
    ("fields", "identifier"),
    [
        ({"dirty": ["words"]}, "sources-not-committed"),
        ({"uri": ""}, "sources-not-named"),
        ({"commit": ""}, "sources-not-named"),
        ({"commit": "--upload-pack=touch /tmp/x"}, "bad-attestation"),
        ({"path": "../.."}, "bad-attestation"),
        ({"path": "/etc"}, "bad-attestation"),
    ],
)
def test_provenance_that_says_too_little_or_too_much_is_the_users_affair(
    published: Published, fields: dict[str, object], identifier: str
) -> None:
    published.source(**fields)
    with pytest.raises(UserError) as raised:
        published.verify()
    assert raised.value.id == identifier


def test_a_source_with_a_hostile_name_is_refused(published: Published) -> None:
    published.dependency("words", lambda found: found.update(name="../../../etc/passwd"))
    with pytest.raises(UserError) as raised:
        published.verify()
    assert raised.value.id == "bad-attestation"


def test_without_a_provenance_there_is_nothing_to_do(published: Published) -> None:
    with pytest.raises(UserError) as raised:
        published.verify(provenances=())
    assert raised.value.id == "no-provenance"


RULE = """\
import pathlib
from unibuild.analysis.api import Attributes, rule
pathlib.Path({marker!r}).touch()

@rule("nothing", Attributes, doc="Makes nothing.")
def nothing(ctx):
    return []
"""


def with_a_rule_module(published: Published, marker: Path) -> None:
    published.small.write("own.py", RULE.format(marker=str(marker)))
    text = (published.root / "WORKSPACE.toml").read_text()
    published.small.write("WORKSPACE.toml", f'rules = ["own.py"]\n{text}')
    published.commit("rules")
    published.attest()
    marker.unlink()


def test_rules_of_sources_for_which_nobody_vouches_do_not_run(
    published: Published, tmp_path: Path
) -> None:
    marker = tmp_path / "ran"
    with_a_rule_module(published, marker)
    with pytest.raises(UserError) as raised:
        published.verify()
    assert raised.value.id == "untrusted-sources"
    assert "own.py" in raised.value.cause
    assert not marker.exists()


@pytest.mark.parametrize("named", ["policy", "signed_by", "sources"])
def test_rules_run_when_somebody_vouches(published: Published, tmp_path: Path, named: str) -> None:
    marker = tmp_path / "ran"
    with_a_rule_module(published, marker)
    value = ("key.pub",) if named == "signed_by" else published.root
    outcome = published.verify(**{named: value})
    assert outcome.status == "passed", outcome.errors
    assert marker.exists()


def test_without_a_sandbox_somebody_has_to_vouch(published: Published) -> None:
    with pytest.raises(UserError) as raised:
        artefact.run(replace(published.bench(), sandbox="none"))
    assert raised.value.id == "untrusted-sources"


def test_a_standard_repository_that_is_ours_to_the_file_is_replaced_by_ours(
    published: Published, tmp_path: Path
) -> None:
    """A compiled module that no digest covers would be believed by Python."""
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    for part in STANDARD_PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(
                ROOT / part, theirs / part, ignore=shutil.ignore_patterns("__pycache__")
            )
        elif (ROOT / part).exists():
            shutil.copyfile(ROOT / part, theirs / part)
    text = (published.root / "WORKSPACE.toml").read_text()
    published.small.write("WORKSPACE.toml", f'standard_repository = "{theirs}"\n{text}')
    published.commit("theirs")
    published.attest()
    shutil.rmtree(theirs / "rules" / "__pycache__", ignore_errors=True)
    marker = tmp_path / "ran"
    module = tmp_path / "filegroup.py"
    module.write_text(RULE.format(marker=str(marker)))
    for rule in (theirs / "rules").glob("*.py"):
        py_compile.compile(
            str(module), importlib.util.cache_from_source(str(rule)),
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )  # fmt: skip
    outcome = published.verify()
    assert outcome.status == "passed", outcome.errors
    assert not marker.exists()


@pytest.mark.parametrize("name", [".unibuild/kept", "unibuild-out/image.elf"])
def test_what_a_build_believes_is_no_source(published: Published, name: str) -> None:
    published.dependency("words", lambda found: found.update(name=name))
    with pytest.raises(UserError) as raised:
        published.verify()
    assert raised.value.id == "bad-attestation"
    assert "no source can be" in raised.value.cause


def test_a_name_that_no_file_can_have_is_not_there(published: Published) -> None:
    published.dependency("words", lambda found: found.update(name="x" * 300))
    refused(published.verify(), DifferenceError, "sources-differ")


def test_a_path_of_the_workspace_that_leaves_the_commit_is_refused(
    published: Published, tmp_path: Path
) -> None:
    (published.root / "away").symlink_to(tmp_path)
    published.commit("a link")
    published.attest()
    published.source(path="away")
    refused(published.verify(), DifferenceError, "sources-differ")


def test_no_filter_of_the_users_runs_on_a_fetched_repository(
    published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published.small.write(".gitattributes", "words filter=own\n")
    published.commit("a filter")
    published.attest()
    marker = tmp_path / "ran"
    configuration = tmp_path / "gitconfig"
    configuration.write_text(f'[filter "own"]\n\tsmudge = "touch {marker}; cat"\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(configuration))
    outcome = published.verify()
    assert outcome.status == "passed", outcome.errors
    assert not marker.exists()
