"""``unibuild attest`` on a real image: complete, from the graph, checked by others' schemas."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import tomli
from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement as InTotoStatement
from support.command import ROOT, unibuild

from unibuild.verify.attestation import dependencies, provenance

pytestmark = pytest.mark.network

WORKSPACE = ROOT / "tests" / "image" / "workspace"
LABEL = "//programs:image"
USER = "me"


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(folder), "-c", "user.name=N", "-c", "user.email=n@example.com",
         "-c", "commit.gpgsign=false", *arguments],
        check=True, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    repository = tmp_path_factory.mktemp("attested") / "repository"
    folder = shutil.copytree(
        WORKSPACE, repository / "images", ignore=shutil.ignore_patterns("unibuild-out", ".unibuild")
    )
    (folder / ".gitignore").write_text("/unibuild-out/\n")
    git(repository, "init", "-q")
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "first")
    git(repository, "remote", "add", "origin", f"https://{USER}:secret@git.example.com/images.git")
    return folder


def attest(workspace: Path, *options: str) -> dict[str, Any]:
    done = unibuild("attest", LABEL, "--json", *options, cwd=workspace)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def made(workspace: Path) -> dict[str, Any]:
    return attest(workspace)


def definition(statement: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = statement["predicate"]["buildDefinition"]
    return found


def of_kind(statement: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [
        one
        for one in definition(statement)["resolvedDependencies"]
        if one["annotations"]["kind"] == kind
    ]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_statement_keeps_in_totos_own_schemas(made: dict[str, Any]) -> None:
    message = json_format.ParseDict(made, statement_pb2.Statement())
    InTotoStatement.copy_from_pb(message).validate()
    predicate = json_format.ParseDict(made["predicate"], provenance_pb2.Provenance())
    assert predicate.build_definition.build_type == provenance.BUILD_TYPE
    assert predicate.run_details.metadata.started_on.seconds > 1_700_000_000
    assert len(predicate.build_definition.resolved_dependencies) > 100


def test_the_fields_are_those_that_slsa_lists(made: dict[str, Any]) -> None:
    assert set(made) == {"_type", "subject", "predicateType", "predicate"}
    assert made["predicateType"] == "https://slsa.dev/provenance/v1"
    assert set(made["predicate"]) == {"buildDefinition", "runDetails"}
    assert set(definition(made)) == {
        "buildType", "externalParameters", "internalParameters", "resolvedDependencies",
    }  # fmt: skip
    assert set(definition(made)["externalParameters"]) == {"label", "source", "options"}
    run = made["predicate"]["runDetails"]
    assert set(run) == {"builder", "metadata"}
    assert set(run["builder"]) == {"id", "version"}
    assert set(run["metadata"]) == {"invocationId", "startedOn", "finishedOn"}
    for one in definition(made)["resolvedDependencies"]:
        assert set(one) <= {"name", "uri", "digest", "annotations"}
        assert one["digest"]


def test_the_subjects_are_the_files_of_the_image(workspace: Path, made: dict[str, Any]) -> None:
    subjects = {one["annotations"]["role"]: one for one in made["subject"]}
    assert set(subjects) == {"image", "symbols", "manifest"}
    for one in subjects.values():
        assert one["digest"] == {"sha256": sha256(workspace / "unibuild-out" / one["name"])}


def test_the_source_is_named_without_secrets(workspace: Path, made: dict[str, Any]) -> None:
    commit = git(workspace, "rev-parse", "HEAD")
    assert definition(made)["externalParameters"]["source"] == {
        "uri": "git+https://git.example.com/images.git",
        "commit": commit,
        "path": "images",
        "dirty": [],
    }
    (dependency,) = of_kind(made, "git")
    assert dependency["uri"] == f"git+https://git.example.com/images.git@{commit}"
    assert dependency["digest"] == {"gitCommit": commit}
    assert "secret" not in json.dumps(made)
    assert str(workspace) not in json.dumps(made)


def test_options_that_can_change_outputs_are_parameters(made: dict[str, Any]) -> None:
    assert definition(made)["externalParameters"]["options"] == {
        "digestFunction": "blake3",
        "defaultPlatform": "@unibuild//kernel/platform:qemu-microvm",
        "sandbox": "required",
    }
    assert definition(made)["internalParameters"]["sandbox"] == "bubblewrap"


def test_packages_have_the_digests_of_the_lock(made: dict[str, Any]) -> None:
    locked = {
        (package["purl"], file["name"]): file["sha256"]
        for package in tomli.loads((ROOT / "unibuild.lock").read_text())["package"]
        for file in package["file"]
    }
    packages = of_kind(made, "package")
    assert {one["uri"].partition("@")[0] for one in packages} >= {
        "pkg:pypi/ziglang", "pkg:deb/debian/musl",
    }  # fmt: skip
    for one in packages:
        purl = one["uri"].partition("#")[0]
        assert one["digest"] == {"sha256": locked[purl, one["name"]]}
        assert one["annotations"]["targets"]


def test_every_source_is_there_with_its_digest(workspace: Path, made: dict[str, Any]) -> None:
    sources = {one["name"]: one for one in of_kind(made, "source")}
    assert {"WORKSPACE.toml", "programs/BUILD.toml", "programs/show.c", "programs/greeting"} <= set(
        sources
    )
    assert any(name.startswith("@unibuild//rules/") for name in sources)
    assert any(
        name.endswith("BUILD.toml") and name.startswith("@unibuild//kernel/") for name in sources
    )
    for name, one in sources.items():
        repository = one["annotations"]["repository"]
        path = name.removeprefix(f"@{repository}//") if repository else name
        folder = ROOT if repository else workspace
        assert one["digest"] == {"sha256": sha256(folder / path)}, name


def listing(find: str, folder: Path) -> str:
    """Return the digest of the files that a find command lists, as in-toto's text makes it."""
    script = f"{find} | LC_ALL=C sort | xargs sha256sum | sha256sum | cut -d' ' -f1"
    return subprocess.run(
        ["sh", "-c", script], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


def test_the_engine_and_its_repository_have_digests_that_anybody_can_make(
    made: dict[str, Any],
) -> None:
    (standard,) = of_kind(made, "standard-repository")
    parts = " ".join(dependencies.STANDARD_PARTS)
    listed = listing(f"find {parts} -type f ! -name '*.pyc' ! -name '.*'", ROOT)
    assert standard["digest"] == {"dirHash": listed}
    (engine,) = of_kind(made, "engine")
    listed = listing("find . -type f -name '*.py' | cut -c3-", ROOT / "unibuild")
    assert engine["digest"] == {"dirHash": listed}
    assert engine["annotations"]["version"] == "0.1.0"


def test_dir_hash_is_in_totos(tmp_path: Path) -> None:
    # The example of in-toto's digest_set.md, whose files are not here: their digests are.
    lines = (
        "3a137eef6458bfb76bb2c63fc29ffc7166604d2d2e09ed9d8250a534122a8364  "
        "github.com/marklodato/go-hello-world@v0.0.1/README.md\n"
        "28e7c942a036902d981759d0bf5704d2bfc7cb500caf68b84711b234af01c6a5  "
        "github.com/marklodato/go-hello-world@v0.0.1/go.mod\n"
        "ddc4da627d9a9f45fb29641a1b185d6f53287ecfd921aacbf4fe54b7a86fe8d1  "
        "github.com/marklodato/go-hello-world@v0.0.1/main.go\n"
    )
    expected = "2a1bb6127fb481c60f67692e22285fb306f3c6ffe62075e0ccf674d7c3adcb8f"
    assert hashlib.sha256(lines.encode()).hexdigest() == expected
    (tmp_path / "b").write_bytes(b"two")
    (tmp_path / "a").write_bytes(b"one")
    lines = f"{sha256(tmp_path / 'a')}  x/a\n{sha256(tmp_path / 'b')}  x/b\n"
    files = {"x/b": str(tmp_path / "b"), "x/a": str(tmp_path / "a")}
    assert dependencies.dir_hash(files) == hashlib.sha256(lines.encode()).hexdigest()


def test_it_is_written_beside_the_image_and_read_back(
    workspace: Path, made: dict[str, Any]
) -> None:
    read = provenance.read(workspace / "unibuild-out/programs/image.provenance.json")
    assert read.parameters.label == LABEL
    assert read.builder_id == provenance.LOCAL_BUILDER
    image = read.subject("image")
    assert image is not None
    assert read.statement.names(image.sha256)
    assert len(read.of_kind("source")) == len(of_kind(made, "source"))


def test_without_times_it_is_the_same_bytes(workspace: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        attest(workspace, "--no-times", "-o", str(tmp_path / name))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    metadata = json.loads((tmp_path / "one").read_bytes())["predicate"]["runDetails"]["metadata"]
    assert metadata == {}


def test_another_checkout_gives_the_same_bytes(workspace: Path, tmp_path: Path) -> None:
    clone = tmp_path / "elsewhere" / "clone"
    git(workspace, "clone", "-q", str(workspace.parent), str(clone))
    git(clone, "remote", "set-url", "origin", "https://git.example.com/images.git")
    for folder, name in ((workspace, "one"), (clone / "images", "two")):
        attest(folder, "--no-times", "-o", str(tmp_path / name))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_service_names_itself_and_its_run(workspace: Path, tmp_path: Path) -> None:
    run = attest(
        workspace, "--builder-id", "https://ci.example.com/release@v1",
        "--invocation-id", "https://ci.example.com/runs/7", "-o", str(tmp_path / "ci"),
    )["predicate"]["runDetails"]  # fmt: skip
    assert run["builder"]["id"] == "https://ci.example.com/release@v1"
    assert run["metadata"]["invocationId"] == "https://ci.example.com/runs/7"


@pytest.mark.parametrize("name", ["release", "urn:unibuild:builder:hosted", "two words"])
def test_a_builder_id_is_a_uri_that_is_not_ours(workspace: Path, name: str) -> None:
    done = unibuild("attest", LABEL, "--builder-id", name, cwd=workspace)
    assert done.returncode == 2
    assert "error[bad-builder-id]" in done.stderr


def test_a_weaker_build_says_so(workspace: Path, tmp_path: Path) -> None:
    made = attest(workspace, "--sandbox=none", "-o", str(tmp_path / "weak"))
    assert definition(made)["externalParameters"]["options"]["sandbox"] == "none"
    assert definition(made)["internalParameters"]["sandbox"] == "none"
    assert made["predicate"]["runDetails"]["builder"]["id"] == provenance.UNSANDBOXED_BUILDER


def test_sources_that_are_not_the_commits_are_named(workspace: Path, tmp_path: Path) -> None:
    path = workspace / "programs" / "greeting"
    before = path.read_bytes()
    path.write_bytes(b"another day\n")
    try:
        done = unibuild("attest", LABEL, "--json", "-o", str(tmp_path / "dirty"), cwd=workspace)
    finally:
        path.write_bytes(before)
    assert done.returncode == 0, done.stderr
    source = definition(json.loads(done.stdout))["externalParameters"]["source"]
    assert source["dirty"] == ["programs/greeting"]
    assert "warning: 1 file is not those of the commit" in done.stderr


def test_without_version_control_no_source_is_claimed(workspace: Path, tmp_path: Path) -> None:
    left_out = shutil.ignore_patterns("unibuild-out", ".unibuild", ".git")
    plain = shutil.copytree(workspace, tmp_path / "plain", ignore=left_out)
    done = unibuild("attest", LABEL, "--json", "-o", str(tmp_path / "plain.json"), cwd=plain)
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    source = definition(made)["externalParameters"]["source"]
    assert source == {"uri": "", "commit": "", "path": "", "dirty": []}
    assert of_kind(made, "git") == []
    assert of_kind(made, "source")
    assert "warning: the workspace is under no version control" in done.stderr


def test_what_is_no_image_has_no_provenance(workspace: Path) -> None:
    done = unibuild("attest", "//programs:show", cwd=workspace)
    assert done.returncode == 2
    assert "error[not-an-image]" in done.stderr
