"""What an image brings besides code: its files as an archive, and its parameters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from unibuild.image.builtins import PROGRAM_ARCHIVE_VERSION, ROOT_ARCHIVE_VERSION
from unibuild.image.parameters import assembly, program_assembly

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unibuild.analysis.api import Artifact, RuleContext, ToolchainInfo

    from .unikernel_attributes import ImageAttributes

_PORT = re.compile(r"(\d{1,5})(?:/(?:udp|tcp))?")
_HIGHEST_PORT = 65535


def image_files(ctx: RuleContext[ImageAttributes]) -> list[tuple[str, Artifact]]:
    """Return the files and trees of the root file system with their paths there.

    Trees may share a path: whether what they hold clashes is seen when they are packed.
    """
    for attribute in ("files", "dirs"):
        paths = getattr(ctx.attributes, attribute)
        for index, path in enumerate(paths):
            if path == "/" and isinstance(paths, dict) and attribute == "dirs":
                continue
            if not path.startswith("/") or any(
                part in ("", ".", "..") for part in path[1:].split("/")
            ):
                raise ctx.error(
                    attribute,
                    f"`{path}` is no absolute path in the image",
                    hint="write names joined by `/` after a leading `/`, such as `/etc/dns/zone`",
                    item=path if isinstance(paths, dict) else index,
                )
    return [*ctx.mapped_files("files").items(), *ctx.mapped_folders("dirs")]


def check_ports(ctx: RuleContext[ImageAttributes]) -> None:
    """Raise for an element of ``ports`` that is no port."""
    for index, port in enumerate(ctx.attributes.ports):
        found = _PORT.fullmatch(str(port))
        if not found or not 0 < int(found[1]) <= _HIGHEST_PORT:
            raise ctx.error(
                "ports", f"`{port}` is no port", hint='write `8080` or `"53/udp"`', item=index
            )


def root_archive(
    ctx: RuleContext[ImageAttributes], files: Sequence[tuple[str, Artifact]], *, programs: bool
) -> Artifact | None:
    """Declare the root file system; with ``programs`` its ELF files can be run where they lie."""
    directories = () if isinstance(ctx.attributes.dirs, dict) else ctx.attributes.dirs
    if not files and not directories:
        return None
    root = ctx.declare_file(f"{ctx.label.name}.link/root.cpio")
    words: list[str | Artifact] = [ROOT_ARCHIVE_VERSION]
    if programs:
        words.append(f"programs-{PROGRAM_ARCHIVE_VERSION}")
    for path, source in sorted(files, key=lambda one: one[0]):
        words += ["file", path, source]
    for path in directories:
        words += ["directory", path]
    ctx.action(
        "RootArchive",
        words,
        outputs=[root],
        builtin="root-archive",
        description=f"Archiving the files of {ctx.label}",
    )
    return root


def parameters(
    ctx: RuleContext[ImageAttributes],
    arguments: Sequence[str],
    tools: ToolchainInfo,
    root: Artifact | None,
    program: str,
) -> Artifact:
    """Declare the object with what the kernel reads of the image; ``program`` is a Linux program's path."""
    text = assembly(
        str(ctx.label),
        arguments,
        ctx.attributes.env,
        network_text(ctx),
        root.input_path if root else "",
    )
    if program:
        allowed = ctx.attributes.allow_exec_mappings
        text = program_assembly(program, allow_exec_mappings=allowed) + text
    source = ctx.literal(f"{ctx.label.name}.link/parameters.s", text)
    made = ctx.declare_file(f"{ctx.label.name}.link/parameters.o")
    assemble(ctx, tools, source, made, f"Assembling the parameters of {ctx.label}", root)
    return made


def assemble(
    ctx: RuleContext[ImageAttributes],
    tools: ToolchainInfo,
    source: Artifact,
    made: Artifact,
    description: str,
    included: Artifact | None = None,
) -> None:
    """Declare the action that assembles ``source``, which may include ``included``."""
    ctx.action(
        "ImageParameters",
        [*tools.tools["clang"], *tools.flags.get("assemble", ()), "-c", source, "-o", made],
        inputs=[tools.tree, *((included,) if included else ())],
        outputs=[made],
        description=description,
    )


def network_text(ctx: RuleContext[ImageAttributes]) -> str:
    """Return the network configuration as the kernel reads it."""
    network = ctx.attributes.network
    if isinstance(network, str):
        return network
    if network.gateway is None:
        return str(network.address)
    if network.gateway not in network.address.network:
        raise ctx.error(
            "network",
            f"the gateway {network.gateway} is outside the network {network.address.network}",
            hint="the gateway must be reachable without a gateway",
            item="gateway",
        )
    return f"{network.address},{network.gateway}"
