"""What a machine needs of what others made: depfiles that stayed with the server, and packages."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from execution.project import Project, made, source
from execution.team import Machine, Make

from unibuild.model.artifacts import Artifact, Origin
from unibuild.store.cache import Cache
from unibuild.store.digests import Digest


def compiled(project: Project) -> None:
    """One action with a depfile: it reads one of two headers."""
    project.write("used.h", "used\n")
    project.write("unused.h", "unused\n")
    headers = (source("used.h"), source("unused.h"))
    dependencies = made("o.d")
    project.shell(
        "o",
        "cat used.h unique > unibuild-out/o; echo 'o: used.h' > unibuild-out/o.d",
        (source("unique"),),
        (made("o"), dependencies),
        depfile=dependencies,
        prunable=headers,
    )
    project.shell("app", "cat unibuild-gen/o > unibuild-out/app", (made("o"),))
    project.requested = ["//:app"]


def test_a_header_that_was_not_read_runs_nothing_on_a_machine_that_never_compiled(
    machine: Make,
) -> None:
    machine("first", compiled).good()
    second = machine("second", compiled)
    second.good()
    second.write("unused.h", "edited\n")
    report = second.good()
    assert report.executed == 0
    second.write("used.h", "edited\n")
    assert second.good().executed == 2
    assert second.read("app").startswith("edited\n")


def test_a_pruned_result_is_published_for_the_present_inputs(machine: Make) -> None:
    first = machine("first", compiled)
    first.good()
    first.write("unused.h", "edited\n")
    assert first.good().executed == 0
    second = machine("second", compiled)
    second.write("unused.h", "edited\n")
    report = second.good()
    assert (report.executed, report.remote_hits) == (0, 2)


class Packaged:
    """One external package, an action that unpacks it, and who asked a registry for it."""

    def __init__(self, place: Path) -> None:
        self.file = place / "package.tar"
        self.file.write_bytes(b"package " + os.urandom(16))
        data = self.file.read_bytes()
        self.digest = Digest(hashlib.sha256(data).hexdigest(), len(data))
        self.purl = f"pkg:pypi/thing@{self.digest.hash[:8]}"
        self.asked: list[str] = []

    def declare(self, project: Project) -> None:
        archive = Artifact(Origin.PACKAGE, "thing/package.tar", purl=self.purl)
        project.write("version", "1\n")
        project.function("unpacked", "join", (archive, source("version")))
        project.shell("app", "cat unibuild-gen/unpacked unique > unibuild-out/app",
                      (made("unpacked"), source("unique")))  # fmt: skip
        project.requested = ["//:app"]

    def machine(self, make: Make, name: str, *, registry: bool) -> Machine:
        """Return a machine for which the registry is there or gone."""
        one = make(name, self.declare, digest_of=lambda _: self.digest)

        def fetch(purl: str) -> Path:
            assert registry, "no registry is to be asked"
            self.asked.append(purl)
            cache = Cache(str(one.cache), "sha256", one.recorder.note)
            try:
                assert cache.content.put_copy(str(self.file)) == self.digest
                return Path(cache.content.path(self.digest))
            finally:
                cache.close()

        one.set(fetch=fetch)
        return one


def test_packages_are_not_fetched_for_a_warm_build(machine: Make, tmp_path: Path) -> None:
    package = Packaged(tmp_path)
    package.machine(machine, "first", registry=True).good()
    assert package.asked == [package.purl]
    second = package.machine(machine, "second", registry=False)
    assert second.good().executed == 0
    assert package.digest.hash not in second.stored()
    # An edit of what is behind the package still needs none.
    second.write("unique", "edited\n")
    assert second.good().executed == 1


def test_a_package_whose_registry_is_gone_comes_from_the_team(
    machine: Make, tmp_path: Path
) -> None:
    package = Packaged(tmp_path)
    package.machine(machine, "first", registry=True).good()
    second = package.machine(machine, "second", registry=False)
    second.write("version", "2\n")  # so that the package has to be unpacked here
    assert second.good().executed == 2
    assert package.digest.hash in second.stored()


def test_push_keeps_packages_for_the_team_too(machine: Make, tmp_path: Path) -> None:
    package = Packaged(tmp_path)
    first = package.machine(machine, "first", registry=True)
    connection = first.connection
    first.connect("")
    first.good()
    assert connection is not None
    first.connect(connection.url)
    first.set(publish_all=True)
    assert first.good().executed == 0
    second = package.machine(machine, "second", registry=False)
    second.write("version", "2\n")
    assert second.good().executed == 2
