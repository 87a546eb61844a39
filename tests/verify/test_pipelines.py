"""The pipelines of docs/pipelines/ work: their commands are taken out of the YAML and run, job by job.

Each job runs in a fresh clone, as on a runner, and gets from the ones before it what it downloads.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from support.command import ROOT, unibuild

pytestmark = [pytest.mark.network, pytest.mark.boot]

PIPELINES = ROOT / "docs" / "pipelines"
SETUP = "ci/setup.sh"
SECRET = "SIGNING_KEY"  # noqa: S105 - the name of the variable that holds it
JOBS = ("prove", "sign", "check")


@dataclass
class Job:
    """The commands of one job, the names of its secrets, and which job's files it gets."""

    commands: list[str] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)


def github() -> dict[str, Job]:
    """The jobs of the workflow for GitHub Actions."""
    document = load("github-actions.yml")
    jobs = {}
    for name, described in document["jobs"].items():
        jobs[name] = job = Job()
        for step in described["steps"]:
            job.commands += step.get("run", "").splitlines()
            job.secrets |= {key for key, value in step.get("env", {}).items() if "secrets" in value}
        job.commands.remove(SETUP)
    return jobs


def gitlab() -> dict[str, Job]:
    """The jobs of the pipeline for GitLab CI."""
    document = load("gitlab-ci.yml")
    assert document["default"]["before_script"][0] == SETUP
    return {name: Job(document[name]["script"]) for name in document["stages"]}


def load(name: str) -> dict[Any, Any]:
    document = yaml.safe_load((PIPELINES / name).read_text(encoding="utf-8"))
    assert isinstance(document, dict)
    return document


def git(folder: Path, *arguments: str) -> str:
    settings = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "safe.directory=*")
    return subprocess.run(
        ["git", *settings, *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """A repository with a workspace and what the pipelines want in it, and its key beside it."""
    work, bare = tmp_path / "work", tmp_path / "origin.git"
    work.mkdir()
    git(work, "init", "--quiet", "--initial-branch=main")
    assert unibuild("new", "greeter", "--lang", "c", cwd=work).returncode == 0
    with (work / "WORKSPACE.toml").open("a") as file:
        file.write('license = "LicenseRef-greeter"\n')
    shutil.copytree(PIPELINES / "ci", work / "ci")
    policy = (work / "ci" / "policy.toml").read_text()
    for old, new in (
        ("git+https://git.example.com/team/*", f"git+file://{bare}"),
        ("//services/dns:image", "//greeter:image"),
    ):
        assert old in policy
        policy = policy.replace(old, new)
    (work / "ci" / "policy.toml").write_text(policy)
    key = Ed25519PrivateKey.generate()
    (work / "ci" / "release.pub").write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    (tmp_path / "release.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    git(work, "add", "--all")
    git(work, "commit", "--quiet", "--message", "greeter")
    git(tmp_path, "clone", "--quiet", "--bare", str(work), str(bare))
    return bare


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A folder with the command ``unibuild``, as the set-up puts it on the path."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "unibuild").write_text(
        f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m unibuild "$@"\n'
    )
    (folder / "unibuild").chmod(0o755)
    return folder


def environment(program: Path) -> dict[str, str]:
    variables = load("github-actions.yml")["env"]
    return {
        **os.environ,
        **{name: str(value) for name, value in variables.items()},
        "IMAGE": "//greeter:image",
        "OUTPUTS": "unibuild-out/greeter",
        "RUN": "https://ci.example.com/runs/1",
        "PATH": f"{program}:{os.environ['PATH']}",
        "NO_COLOR": "1",
    }


def run(job: Job, folder: Path, values: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a job's commands as a runner does: one shell, ended by the first that fails."""
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", "\n".join(job.commands)],
        cwd=folder, env=values, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_both_pipelines_run_the_same_commands() -> None:
    ours, theirs = github(), gitlab()
    assert tuple(ours) == tuple(theirs) == JOBS
    for name in JOBS:
        assert ours[name].commands == theirs[name].commands


def test_only_the_job_that_signs_sees_the_secret_and_it_builds_nothing() -> None:
    jobs = github()
    assert {name for name, job in jobs.items() if job.secrets} == {"sign"}
    verbs = {line.split()[1] for line in jobs["sign"].commands if line.startswith("unibuild ")}
    assert verbs == {"sign"}
    for name in ("prove", "check"):
        assert not any(SECRET in line for line in jobs[name].commands)
    assert load("github-actions.yml")["permissions"] == {"contents": "read"}


def test_no_expression_is_pasted_into_a_command() -> None:
    for job in github().values():
        assert not any("${{" in line for line in job.commands)


def test_every_action_is_pinned_by_a_commit() -> None:
    for job in load("github-actions.yml")["jobs"].values():
        for step in job["steps"]:
            if "uses" in step:
                _, _, commit = step["uses"].partition("@")
                assert len(commit) == 40
                int(commit, 16)


@pytest.mark.timeout(1800)  # rebuilds in many surroundings, while the machine tests other things
def test_a_release_goes_through(origin: Path, program: Path, tmp_path: Path) -> None:
    values = environment(program)
    artefacts = tmp_path / "artefacts"
    for name, job in github().items():
        folder = tmp_path / name
        git(tmp_path, "clone", "--quiet", str(origin), str(folder))
        git(folder, "remote", "set-url", "origin", f"file://{origin}")
        if artefacts.exists():
            shutil.copytree(artefacts, folder / "release")
        secret = {SECRET: (tmp_path / "release.pem").read_text()} if job.secrets else {}
        done = run(job, folder, {**values, **secret})
        assert done.returncode == 0, f"{name}\n{done.stdout}{done.stderr}"
        if secret:
            assert secret[SECRET].splitlines()[1] not in done.stdout + done.stderr
        shutil.rmtree(artefacts, ignore_errors=True)
        shutil.copytree(folder / "release", artefacts)
    suite = ET.parse(tmp_path / "prove" / "verification.xml").getroot()  # noqa: S314 - our own file
    assert suite.attrib["failures"] == suite.attrib["errors"] == "0"
    assert {path.name for path in published(artefacts)} == {
        "image.cdx.json",
        "image.elf",
        "image.manifest.json",
        "image.symbols",
        "image.provenance.json",
        "image.provenance.json.dsse.json",
    }


def published(folder: Path) -> Iterator[Path]:
    yield from folder.iterdir()
