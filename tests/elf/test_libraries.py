"""Which interpreter and libraries a program needs: by its headers, in the order of the dynamic loader."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.tiny_elf import ET_DYN, Tiny

from unibuild.elf.libraries import libraries
from unibuild.model.errors import ActionError

LOADER = "/lib64/ld-linux-x86-64.so.2"


class Image:
    """Files of an image, written as they are asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: dict[str, Path] = {}
        self.add(LOADER, Tiny(kind=ET_DYN, soname="ld-linux-x86-64.so.2"))

    def add(self, path: str, tiny: Tiny) -> None:
        place = self.folder / path.lstrip("/").replace("/", "_")
        place.write_bytes(tiny.build())
        self.files[path] = place

    def needed(self, tiny: Tiny, inside: str = "/bin/server") -> list[str]:
        program = self.folder / "server"
        program.write_bytes(tiny.build())
        return list(libraries(program, self.files, inside))


@pytest.fixture
def image(tmp_path: Path) -> Image:
    return Image(tmp_path)


def library(name: str, *needed: str, **tags: str) -> Tiny:
    return Tiny(kind=ET_DYN, soname=name, needed=needed, **tags)  # type: ignore[arg-type]


def program(*needed: str, **tags: str) -> Tiny:
    return Tiny(interpreter=LOADER, needed=needed, **tags)  # type: ignore[arg-type]


def test_a_static_program_needs_nothing(image: Image) -> None:
    assert image.needed(Tiny()) == []


def test_libraries_come_breadth_first_each_once(image: Image) -> None:
    image.add("/usr/lib/x86_64-linux-gnu/liba.so", library("liba.so", "libc.so.6"))
    image.add("/lib/x86_64-linux-gnu/libb.so", library("libb.so", "liba.so", "libc.so.6"))
    image.add("/lib/x86_64-linux-gnu/libc.so.6", library("libc.so.6", "ld-linux-x86-64.so.2"))
    assert image.needed(program("libb.so", "liba.so")) == [
        LOADER,
        "/lib/x86_64-linux-gnu/libb.so",
        "/usr/lib/x86_64-linux-gnu/liba.so",
        "/lib/x86_64-linux-gnu/libc.so.6",
    ]


def test_a_library_that_only_the_running_program_can_open_comes_last(image: Image) -> None:
    image.add("/usr/lib/lua/socket.so", library(""))
    assert image.needed(program()) == [LOADER, "/usr/lib/lua/socket.so"]


def test_runpath_is_for_the_file_itself_and_knows_the_origin(image: Image) -> None:
    image.add("/opt/app/lib/liba.so", library("liba.so"))
    found = image.needed(program("liba.so", runpath="$ORIGIN/../lib"), "/opt/app/bin/server")
    assert found == [LOADER, "/opt/app/lib/liba.so"]


def test_rpath_serves_the_libraries_of_libraries_too(image: Image) -> None:
    image.add("/opt/liba.so", library("liba.so", "libb.so"))
    image.add("/opt/libb.so", library("libb.so"))
    wanted = [LOADER, "/opt/liba.so", "/opt/libb.so"]
    assert image.needed(program("liba.so", rpath="/opt")) == wanted
    with pytest.raises(ActionError, match=r"liba\.so needs libb\.so"):
        image.needed(program("liba.so", runpath="/opt"))


def test_musl_is_its_own_interpreter(image: Image) -> None:
    loader = "/lib/ld-musl-x86_64.so.1"
    image.add(loader, library("libc.so"))
    assert image.needed(Tiny(interpreter=loader, needed=["libc.so"]))[0] == loader


def test_a_missing_interpreter_is_named_with_near_ones(image: Image) -> None:
    with pytest.raises(ActionError) as caught:
        image.needed(Tiny(interpreter="/lib64/ld-linux-x86-64.so.1"))
    assert caught.value.id == "missing-interpreter"
    assert "/lib64/ld-linux-x86-64.so.1" in caught.value.cause
    assert "did you mean `ld-linux-x86-64.so.2`" in caught.value.hint


def test_the_package_of_a_missing_interpreter_is_named(image: Image) -> None:
    with pytest.raises(ActionError) as caught:
        image.needed(Tiny(interpreter="/lib/ld-musl-x86_64.so.1"))
    assert "Debian's package musl has it" in caught.value.hint


def test_a_missing_library_is_named_with_who_needs_it_and_where_it_was_looked_for(
    image: Image,
) -> None:
    image.add("/lib/libssl.so.3", library("libssl.so.3", "libcrypto.so.3"))
    image.add("/lib/libcrypto.so.1", library("libcrypto.so.1"))
    with pytest.raises(ActionError) as caught:
        image.needed(program("libssl.so.3"))
    assert caught.value.id == "missing-library"
    assert "/lib/libssl.so.3 needs libcrypto.so.3" in caught.value.cause
    assert "did you mean `libcrypto.so.1`" in caught.value.hint
    assert "looked for /lib/x86_64-linux-gnu/libcrypto.so.3" in caught.value.detail


def test_a_library_in_a_place_where_nobody_looks(image: Image) -> None:
    image.add("/srv/liba.so", library("liba.so"))
    with pytest.raises(ActionError) as caught:
        image.needed(program("liba.so"))
    assert "the image has it as /srv/liba.so" in caught.value.hint


def test_a_damaged_library_is_one_error(image: Image) -> None:
    image.add("/lib/liba.so", library("liba.so"))
    image.files["/lib/liba.so"].write_bytes(b"\x7fELF and nothing more")
    with pytest.raises(ActionError) as caught:
        image.needed(program("liba.so"))
    assert caught.value.id == "damaged-library"
