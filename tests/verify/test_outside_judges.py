"""Judges from outside look at what we make, and have to come to our verdict.

Slow, so skipped unless ``UNIBUILD_OUTSIDE_JUDGES`` is set (``judges.py`` says to what).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.command import ROOT, unibuild
from support.tree import write_tree
from verify import judges

pytestmark = [pytest.mark.network, pytest.mark.exclusive, pytest.mark.timeout(1800)]

BUILD = """\
set -e
cache=$(mktemp -d "{caches}/cache.XXXXXX")
cp -al "{caches}/seed/." "$cache"
UNIBUILD_CACHE=$cache "{python}" -m unibuild build --remote off {label}
cp -L {outputs} .
chmod -R u+w "$cache"
rm -rf "$cache"
"""
"""What reprotest runs: a build from nothing but the packages, and its outputs in the open."""

HELLO = """\
#include <stdio.h>

static const char banner[] = "hello, built on {date}";

int main(int count, char **arguments)
{{
    printf("%s: %s %d\\n", arguments[0], banner, count);
    return 0;
}}
"""
TARGETS = """\
[cc_binary.hello]
srcs = ["hello.c"]

[unikernel_image.image]
app = ":hello"
memory = "2M"
"""


@pytest.fixture(scope="module")
def judging() -> judges.Judges:
    try:
        return judges.find()
    except judges.UnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def caches(judging: judges.Judges, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: ARG001 - skips first
    """A folder for caches, with one that has the packages; reprotest's builds leave it whole."""
    folder = tmp_path_factory.mktemp("caches")
    folder.chmod(0o755)
    fetched = unibuild("fetch", cwd=ROOT)
    assert fetched.returncode == 0, fetched.stderr
    judges.seed(folder / "seed")
    return folder


def hello(folder: Path, date: str = "2026-11-22 10:00:00") -> Path:
    return write_tree(
        folder,
        {
            "WORKSPACE.toml": 'name = "judged"\nlicense = "LicenseRef-judged"\n',
            "hello/BUILD.toml": TARGETS,
            "hello/hello.c": HELLO.format(date=date),
        },
    )


def variations() -> str:
    """All that reprotest knows, but those that this machine cannot do."""
    names = ["+all"]
    isolated = subprocess.run(["unshare", "-r", "--uts", "true"], capture_output=True, check=False)
    if isolated.returncode:
        names.append("-domain_host")
    if not (shutil.which("disorderfs") and os.access("/dev/fuse", os.W_OK)):
        names.append("-fileordering")
    return ",".join(names)


def reprotest(
    judging: judges.Judges, workspace: Path, caches: Path, label: str, outputs: str
) -> tuple[subprocess.CompletedProcess[str], Path]:
    """Let reprotest build twice; return what it said and the folder of both makings."""
    script = workspace.parent / "build.sh"
    script.write_text(
        BUILD.format(caches=caches, python=sys.executable, label=label, outputs=outputs)
    )
    store = workspace.parent / "stored"
    done = subprocess.run(
        [*judging.reprotest, "-v", "--no-diffoscope", f"--variations={variations()}",
         "--store-dir", str(store), "-s", str(workspace), f"sh {script}", Path(outputs).name],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=1500,
    )  # fmt: skip
    return done, store


def diffoscope(judging: judges.Judges, expected: Path, found: Path) -> tuple[int, str]:
    done = subprocess.run(
        [*judging.diffoscope, "--text", "-", "--exclude-directory-metadata=yes", str(expected), str(found)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, done.stdout


def ours(expected: Path, found: Path) -> tuple[int, dict[str, object]]:
    done = unibuild("diff", str(expected), str(found), "--json", cwd=expected.parent)
    assert done.returncode in (0, 4), done.stderr
    return done.returncode, json.loads(done.stdout)


def test_reprotest_finds_an_image_reproducible(
    judging: judges.Judges, caches: Path, tmp_path: Path
) -> None:
    workspace = hello(tmp_path / "workspace")
    outputs = "unibuild-out/hello/image.*"
    done, store = reprotest(judging, workspace, caches, "//hello:image", outputs)
    assert done.returncode == 0, done.stderr[-4000:]
    assert "Reproduction successful" in done.stdout
    made = [store / side / "source-root" for side in ("control", "experiment-1")]
    assert (made[0] / "image.elf").stat().st_size > 10_000
    assert ours(*made)[0] == 0
    assert diffoscope(judging, *made)[0] == 0
    # The ordinary build, with its cache and in its surroundings, makes the same once more.
    built = unibuild("build", "//hello:image", cwd=workspace)
    assert built.returncode == 0, built.stderr
    assert ours(made[0] / "image.elf", workspace / "unibuild-out/hello/image.elf")[0] == 0


def test_diffoscope_and_we_find_the_same_difference(judging: judges.Judges, tmp_path: Path) -> None:
    dates = "2026-11-22 10:00:00", "2026-11-22 10:00:07"
    images = []
    for number, date in enumerate(dates):
        workspace = hello(tmp_path / str(number), date)
        built = unibuild("build", "//hello:image", cwd=workspace)
        assert built.returncode == 0, built.stderr
        images.append(workspace / "unibuild-out/hello/image.elf")
    code, report = ours(images[0], images[1])
    assert code == 4
    assert report["cause"] == "date"
    assert all(f"`{date}`" in str(report["first_cause"]) for date in dates)
    assert "hello.c.o of //hello:hello" in str(report["first_cause"])
    verdict, text = diffoscope(judging, images[0], images[1])
    assert verdict == 1
    assert f"-hello, built on {dates[0]}" in text
    assert f"+hello, built on {dates[1]}" in text


def test_nobody_calls_an_action_with_a_date_reproducible(
    judging: judges.Judges, caches: Path, tmp_path: Path
) -> None:
    workspace = write_tree(
        tmp_path / "workspace",
        {
            "WORKSPACE.toml": 'name = "judged"\n',
            "BUILD.toml": '[genrule.stamp]\nouts = ["stamp"]\ncmd = "echo built at $$(date +%s) > $@"\n',
        },
    )
    done, store = reprotest(judging, workspace, caches, "//:stamp", "unibuild-out/stamp")
    assert done.returncode == 1, done.stderr[-4000:]
    assert "Reproduction successful" not in done.stdout
    made = [store / side / "source-root" / "stamp" for side in ("control", "experiment-1")]
    code, report = ours(*made)
    assert (code, report["cause"]) == (4, "date")
    verdict, text = diffoscope(judging, *made)
    assert verdict == 1
    assert "built at" in text
    verified = unibuild("verify", "//:stamp", "--only", "twice", cwd=workspace)
    assert verified.returncode == 4
    assert "error[rebuild-differs]" in verified.stderr
    assert "a time stamp" in verified.stderr
