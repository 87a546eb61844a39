"""Editing a header runs only what includes it, and a header that newly shadows one is noticed."""

from __future__ import annotations

import pytest
from execution.project import Project, literal, made, source
from hypothesis import given
from hypothesis import strategies as st

from unibuild.execution.depfile import parse

# A compiler of sorts: `include NAME` takes the first NAME on its search path into the output, and
# the depfile lists what was read.
COMPILER = rb"""
set -- $ARGUMENTS
output=$1; depfile=$2; shift 2
main=$1; shift
dependencies=$main
: > $output
while read -r word name; do
  if [ "$word" != include ]; then echo "$word $name" >> $output; continue; fi
  for directory in "$@"; do
    if [ -e $directory/$name ]; then
      cat $directory/$name >> $output; dependencies="$dependencies $directory/$name"; break
    fi
  done
done < $main
echo "$output: $dependencies" > $depfile
"""
HEADERS = ("first/a.h", "second/a.h", "second/b.h")


def declare(project: Project, *headers: str) -> None:
    project.actions.clear()
    project.write("BUILD.toml", " ".join(headers))
    for name in ("one", "two"):
        compiled, dependencies = made(f"{name}.o"), made(f"{name}.d")
        place = f"unibuild-out/{name}"
        project.shell(
            f"{name}.o",
            f"ARGUMENTS='{place}.o {place}.d {name}.c first second'; . unibuild-gen/compiler.sh",
            (literal("compiler.sh", COMPILER), source(f"{name}.c")),
            (compiled, dependencies),
            depfile=dependencies,
            prunable=tuple(map(source, headers)),
        )


@pytest.fixture
def compiled(project: Project) -> Project:
    project.write("one.c", "include a.h\nbody one\n")
    project.write("two.c", "include b.h\nbody two\n")
    project.write("second/a.h", "A\n")
    project.write("second/b.h", "B\n")
    declare(project, "second/a.h", "second/b.h")
    project.build()
    assert (project.read("one.o"), project.read("two.o")) == ("A\nbody one\n", "B\nbody two\n")
    return project


def test_editing_a_header_runs_only_what_includes_it(compiled: Project) -> None:
    compiled.write("second/a.h", "AA\n")
    assert compiled.ran() == ["//:one.o"]
    assert compiled.read("one.o") == "AA\nbody one\n"
    compiled.write("second/b.h", "BB\n")
    assert compiled.ran() == ["//:two.o"]
    compiled.write("second/a.h", "A\n")
    assert compiled.ran() == []
    assert compiled.read("one.o") == "A\nbody one\n"


def test_pruning_holds_without_the_kept_graph(compiled: Project) -> None:
    import shutil

    shutil.rmtree(compiled.root / ".unibuild")
    compiled.write("second/a.h", "AA\n")
    assert compiled.ran() == ["//:one.o"]


def test_a_new_include_is_followed(compiled: Project) -> None:
    compiled.write("two.c", "include a.h\nbody two\n")
    assert compiled.ran() == ["//:two.o"]
    compiled.write("second/b.h", "no longer used\n")
    assert compiled.ran() == []
    compiled.write("second/a.h", "AA\n")
    assert sorted(compiled.ran()) == ["//:one.o", "//:two.o"]
    assert compiled.read("two.o") == "AA\nbody two\n"


def test_a_header_that_newly_shadows_another_is_seen(compiled: Project) -> None:
    compiled.write("first/a.h", "shadow\n")
    declare(compiled, "first/a.h", "second/a.h", "second/b.h")
    compiled.build()
    assert compiled.read("one.o") == "shadow\nbody one\n"
    (compiled.root / "first/a.h").unlink()
    declare(compiled, "second/a.h", "second/b.h")
    compiled.build()
    assert compiled.read("one.o") == "A\nbody one\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.o: a.c a.h\n", ["a.c", "a.h"]),
        ("a.o: a.c \\\n  b.h \\\r\n c.h", ["a.c", "b.h", "c.h"]),
        ("a.o:\n", []),
        ("a\\ b.o: c\\ d.c e\\#f.h g$$h.h", ["c d.c", "e#f.h", "g$h.h"]),
        ("c:/x.o: y.c", ["y.c"]),
        ("a.o: a.c\n\na.h:\nb.h:\n", ["a.c"]),
        ("", []),
        ("no rule at all", []),
    ],
)
def test_depfiles_are_read_as_make_reads_them(text: str, expected: list[str]) -> None:
    assert parse(text) == expected


@given(st.text(alphabet="ab:\\ \n\r\t#$/.", max_size=60))
def test_any_text_can_be_read(text: str) -> None:
    parse(text)
