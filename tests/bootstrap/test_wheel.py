from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from support.checkout import ROOT, copy_to, files

STANDARD = ("WORKSPACE.toml", "unibuild.lock", "cache", "kernel", "rules", "toolchains")


def build(root: Path, target: Path, umask: int = 0o022, **environment: str) -> Path:
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)],
        cwd=root,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        umask=umask,
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = target.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    return build(copy_to(folder / "clone"), folder / "dist")


def test_two_folders_times_and_umasks_give_the_same_bytes(wheel: Path, tmp_path: Path) -> None:
    other = copy_to(tmp_path / "a folder with a longer name")
    for path in other.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000), follow_symlinks=False)
    again = build(other, tmp_path / "dist", 0o077, TZ="Asia/Kolkata", LC_ALL="C")
    digests = {hashlib.sha256(path.read_bytes()).hexdigest() for path in (wheel, again)}
    assert (again.name, len(digests)) == (wheel.name, 1)


def test_the_wheel_holds_exactly_the_engine_and_the_standard_repository(wheel: Path) -> None:
    expected = {name for name in files() if name.startswith("unibuild/")}
    for name in files():
        if name.split("/", 1)[0] in STANDARD:
            expected.add(f"unibuild/_standard/{name}")
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == expected


@pytest.mark.network
def test_installed_it_builds_an_image_in_an_empty_folder(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    pip = [str(environment / "bin" / "python3"), "-m", "pip", "install", "--quiet", "--no-deps"]
    lock = ["--require-hashes", "--requirement", str(ROOT / "requirements.lock")]
    subprocess.run([*pip, *lock], check=True)
    subprocess.run([*pip, str(wheel)], check=True)

    def unibuild(*arguments: str) -> str:
        done = subprocess.run(
            [str(environment / "bin" / "unibuild"), *arguments],
            cwd=empty,
            capture_output=True,
            text=True,
            check=False,
            timeout=500,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    empty = tmp_path / "team"
    empty.mkdir()
    assert unibuild("--version") == "unibuild 0.1.0\n"
    unibuild("new", "greeter", "--lang", "c")
    unibuild("build", "//greeter:image")
    images = [path for path in (empty / "unibuild-out" / "greeter").iterdir() if path.is_file()]
    assert any(path.read_bytes()[:4] == b"\x7fELF" for path in images)
