"""Providers: what one target tells the targets that depend on it, as typed, frozen records.

Rules of use: a rule returns providers and never looks into another rule. A record says what is
needed to use a target, with paths as actions see them. Fields that end in ``libraries`` or
``headers`` are transitive: they hold what the target itself brings and what it depends on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unibuild.model.artifacts import Artifact
    from unibuild.model.labels import Label


class Provider:
    """Base of every provider; a workspace's own rule modules derive theirs from it as well."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class DefaultInfo(Provider):
    """What `unibuild build` makes, and what the target stands for in a list of sources."""

    outputs: tuple[Artifact, ...]
    """The default outputs, in the order in which they should be listed."""
    facts: Mapping[str, object] = field(default_factory=dict)
    """JSON-like data for people and other verbs; no part of any action."""


@dataclass(frozen=True, slots=True)
class RunInfo(Provider):
    """What `unibuild run` needs to start the target."""

    runnable: str
    """`image` (a monitor boots it) or `program` (a Linux executable)."""
    artifact: Artifact
    """The file to start."""
    facts: Mapping[str, object] = field(default_factory=dict)
    """How to start it (memory, platform …), JSON-like."""


@dataclass(frozen=True, slots=True)
class TestInfo(Provider):
    """What `unibuild test` makes: present on every target that is a test."""

    __test__: ClassVar[bool] = False  # a class of this name is no test of pytest's

    outputs: tuple[Artifact, ...]
    """Outputs of the test action; made only when the test passed."""


@dataclass(frozen=True, slots=True)
class Material:
    """Where files are from, for the bill of materials: one package or one target's own files."""

    purl: str
    """Package URL: `pkg:deb/…` and `pkg:pypi/…` as locked, `pkg:generic/REPOSITORY#FOLDER` for own files."""
    license: str
    """SPDX expression; empty where nobody declared one."""


@dataclass(frozen=True, slots=True)
class MaterialInfo(Provider):
    """Where the outputs of a target are from, when others than the target's author made them."""

    materials: tuple[Material, ...]
    """Packages and other origins, each once."""
    tools: tuple[Material, ...] = ()
    """Where the tools that made the outputs are from, when one wants to say."""


@dataclass(frozen=True, slots=True)
class ToolchainInfo(Provider):
    """A set of pinned tools in one tree, and the flags that go with them."""

    tree: Artifact
    """The directory with the tools; an input of every action that uses one."""
    tools: Mapping[str, tuple[str, ...]]
    """Tool name (`clang`, `ld`, `ar`, `sh`) → its command line, ready for an action."""
    flags: Mapping[str, tuple[str, ...]]
    """Name of a flag set (`compile`, `kernel`, `hosted`, `link` …) → the flags."""
    include_directories: tuple[str, ...] = ()
    """The compiler's own header directories, as actions see them."""
    search_path: str = ""
    """The directory, as actions see it, whose programs a shell may call by name; or empty."""
    materials: tuple[Material, ...] = ()
    """Where the tools are from."""


@dataclass(frozen=True, slots=True)
class Library:
    """One static library, and which target made it."""

    label: Label
    """The target."""
    archives: tuple[Artifact, ...]
    """Its `.a` files: one, or several when it was compiled in groups."""
    materials: tuple[Material, ...] = ()
    """Where its sources are from."""
    tools: tuple[Material, ...] = ()
    """Where the tools that made it are from."""


@dataclass(frozen=True, slots=True)
class CcInfo(Provider):
    """What C code needs to compile and link against a target."""

    headers: tuple[Artifact, ...]
    """Header files and trees that sources may include; transitive."""
    include_directories: tuple[str, ...]
    """Directories for `-I`, as actions see them; transitive, nearest first."""
    defines: tuple[str, ...]
    """`NAME` or `NAME=VALUE` for everything that includes the headers; transitive."""
    libraries: tuple[Library, ...]
    """Static libraries, a library before those it needs; transitive."""
    link_flags: tuple[str, ...] = ()
    """Further flags for the final link; transitive."""


@dataclass(frozen=True, slots=True)
class ProgramInfo(Provider):
    """A C program ready for a final link with a libc and, in an image, with kernel components."""

    label: Label
    """The `cc_binary` target."""
    objects: tuple[Artifact, ...]
    """The program's own object files: always linked."""
    libraries: tuple[Library, ...]
    """Static libraries it needs, the libc apart; linked as far as they are reached."""
    libc: tuple[Library, ...]
    """The libc (and what it needs) that the program was compiled against."""
    link_flags: tuple[str, ...] = ()
    """Further flags for the final link."""
    materials: tuple[Material, ...] = ()
    """Where its sources are from."""
    tools: tuple[Material, ...] = ()
    """Where the tools that made it are from."""


@dataclass(frozen=True, slots=True)
class LinuxProgramInfo(Provider):
    """A program in a Linux executable of its own, and the kernel that runs such programs."""

    label: Label
    """The `linux_binary` target; its name is the program's in the image."""
    executable: Artifact
    """The executable, an ELF file."""
    system_calls: tuple[str, ...]
    """System calls to provide besides those that the executable shows."""
    components: tuple[KernelComponent, ...]
    """The kernel components for Linux programs; transitive."""
    libraries: tuple[Library, ...]
    """Their static libraries and what these need, in link order."""
    materials: tuple[Material, ...] = ()
    """Where the executable is from."""
    tools: tuple[Material, ...] = ()
    """Where the tools that made it are from."""


@dataclass(frozen=True, slots=True)
class KernelComponent:
    """One kernel library component."""

    label: Label
    """The `kernel_library` target."""
    description: str
    """One sentence on what it does."""
    archives: tuple[Artifact, ...]
    """Its own static libraries."""
    stub: bool = False
    """Whether it only answers ENOSYS; `explain` shows such components apart."""


@dataclass(frozen=True, slots=True)
class KernelComponentInfo(Provider):
    """A kernel library component, and those it names as its dependencies."""

    component: KernelComponent
    """The component itself."""
    components: tuple[KernelComponent, ...]
    """It and every component that it depends on, itself first; transitive."""


@dataclass(frozen=True, slots=True)
class PlatformInfo(Provider):
    """Where an image boots: the components it starts with and the machine that runs it."""

    label: Label
    """The `platform` target."""
    architecture: str
    """Instruction set: `x86_64`."""
    machine: str
    """The monitor's machine, with its properties."""
    components: tuple[KernelComponent, ...]
    """Kernel components that the image may link on this platform; transitive."""
    libraries: tuple[Library, ...]
    """The static libraries of those components, in link order."""
    linker_script: Artifact | None
    """The layout of the image."""
    link_flags: tuple[str, ...] = ()
    """Further flags for the final link, such as `-u SYMBOL` for the boot entry."""
    memory: str = ""
    """Default size of the machine's memory, such as `8M`."""
    facts: Mapping[str, object] = field(default_factory=dict)
    """What `unibuild run` must know to start the machine, JSON-like."""
    system_calls: Mapping[str, str] = field(default_factory=dict)
    """Entry point that no component here defines → label of one that would, for messages."""


@dataclass(frozen=True, slots=True)
class ImageInfo(Provider):
    """A bootable image and the files beside it."""

    image: Artifact
    """The stripped ELF that a monitor boots."""
    symbols: Artifact
    """Names for the addresses of the image, for backtraces."""
    manifest: Artifact
    """Components, digests, sizes, reasons, platform and arguments, as JSON."""
    platform: PlatformInfo
    """Where it boots."""
    memory: str
    """Memory to give the machine, such as `8M`."""
    linked: Artifact
    """The linked ELF before it was stripped, with symbols and line tables, for debuggers."""
