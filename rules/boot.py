"""Tests that boot an image under the monitor and look at what it does."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from unibuild.analysis.api import (
    Attributes,
    DefaultInfo,
    ImageInfo,
    OneLabel,
    OneSource,
    Provider,
    RuleContext,
    Sources,
    Strings,
    TestInfo,
    rule,
)
from unibuild.image.builtins import BOOT_TEST_VERSION, PROGRAM_SYMBOLS_SUFFIX

if TYPE_CHECKING:
    from collections.abc import Iterable


class BootTestAttributes(Attributes):
    """A test that boots an image."""

    image: OneLabel = Field(description="The image to boot.")
    expect_console: Strings = Field(
        (),
        description="Regular expressions that the console's text must contain, in any order; `^` "
        "and `$` match at every line.",
    )
    reject_console: Strings = Field(
        (), description="Regular expressions that the console's text must not contain."
    )
    expect_status: int = Field(0, description="The program's exit status; 134 is a fault.")
    server: bool = Field(
        default=False,
        description="The program does not end by itself: stop it when everything expected was seen "
        "and the probe is done. Set by `probe`.",
    )
    args: Strings = Field((), description="Arguments instead of the image's.")
    memory: str = Field("", pattern=r"^(\d+[KMG])?$", description="Memory instead of the image's.")
    qemu_options: Strings = Field((), description="Further options for QEMU.")
    accelerator: Literal["tcg", "auto", "kvm"] = Field(
        "tcg", description="How QEMU runs the guest; `tcg` runs the same on every machine."
    )
    ports: Strings = Field(
        (), description="Ports of the guest that the probe wants to reach: `53/udp`, `80/tcp`."
    )
    probe: OneSource = Field(
        "",
        description="A program of the host, Python (`.py`) or shell (`.sh`), that is run once the "
        "console shows what is expected; it fails the test by its exit status. Its environment "
        "holds `UNIBUILD_ADDRESS` and, for every port, `UNIBUILD_PORT_53_UDP`.",
    )
    wire: bool = Field(
        default=False,
        description="The probe is the guest's network: it connects to the UNIX socket "
        "`UNIBUILD_WIRE` and exchanges Ethernet frames, each behind its length (four bytes, "
        "big-endian). Without `ports`.",
    )
    probe_args: Strings = Field((), description="Arguments of the probe.")
    data: Sources = Field((), description="Files whose paths follow the probe's arguments.")
    boots: int = Field(1, ge=1, le=100, description="How often to boot the image.")
    distinct: Strings = Field(
        (),
        description="Regular expressions whose match (the first group, where there is one) must be "
        "another in every boot.",
    )
    timeout: int = Field(60, ge=1, description="Seconds that one boot may take.")


@rule(
    "boot_test",
    BootTestAttributes,
    provides=(TestInfo, DefaultInfo),
    doc="Boots an image and checks its console, its exit status, or what a probe on the host sees.",
    example="""
[boot_test.boots]
image = ":image"
expect_console = ["^Hello"]
""",
    test=True,
)
def boot_test(ctx: RuleContext[BootTestAttributes]) -> list[Provider]:
    """Declare the one test action."""
    attributes = ctx.attributes
    image = ctx.dependency("image", ImageInfo)
    # Names for a Linux program's addresses, where the image has one.
    names = [
        output
        for output in ctx.dependency("image", DefaultInfo).outputs
        if output.input_path.endswith(PROGRAM_SYMBOLS_SUFFIX)
    ]
    probe = ctx.file("probe")
    data = ctx.files("data")
    verdict = ctx.declare_file(f"{ctx.label.name}.verdict.json")
    log = ctx.declare_file(f"{ctx.label.name}.log")
    specification = ctx.literal(
        f"{ctx.label.name}.test.json",
        json.dumps(
            {
                "label": str(ctx.label),
                "expect_console": attributes.expect_console,
                "reject_console": attributes.reject_console,
                "expect_status": attributes.expect_status,
                "server": attributes.server or probe is not None,
                "args": attributes.args,
                "memory": attributes.memory,
                "qemu_options": attributes.qemu_options,
                "accelerator": attributes.accelerator,
                "ports": attributes.ports,
                "wire": attributes.wire,
                "probe": probe.input_path if probe else "",
                "probe_args": attributes.probe_args,
                "data": [artifact.input_path for artifact in data],
                "boots": attributes.boots,
                "distinct": attributes.distinct,
                "timeout": attributes.timeout,
            },
            sort_keys=True,
        ),
    )
    _check_patterns(ctx)
    if attributes.wire and attributes.ports:
        raise ctx.error(
            "ports",
            "a test with `wire` forwards no ports",
            hint="the probe sends frames to the guest itself; leave out `ports`",
        )
    ctx.action(
        "BootTest",
        [BOOT_TEST_VERSION, specification, image.image, image.symbols, image.manifest, *names],
        inputs=[*((probe,) if probe else ()), *data],
        outputs=[verdict, log],
        # The engine replaces the value by the monitor's version: another monitor, another result.
        environment={"UNIBUILD_MONITOR": "@host/monitor"},
        builtin="boot-test",
        description=f"Booting {ctx.label}",
        test=True,
        timeout=attributes.timeout * attributes.boots + 60,
    )
    return [TestInfo((verdict, log)), DefaultInfo(())]


def _check_patterns(ctx: RuleContext[BootTestAttributes]) -> None:
    lists: Iterable[tuple[str, Strings]] = (
        ("expect_console", ctx.attributes.expect_console),
        ("reject_console", ctx.attributes.reject_console),
        ("distinct", ctx.attributes.distinct),
    )
    for attribute, patterns in lists:
        for index, pattern in enumerate(patterns):
            try:
                re.compile(pattern, re.MULTILINE)
            except re.error as error:
                raise ctx.error(
                    attribute,
                    f"`{pattern}` is no regular expression: {error}",
                    hint="escape special characters with a backslash, or use a '…' string",
                    item=index,
                ) from error
    for index, port in enumerate(ctx.attributes.ports):
        if not re.fullmatch(r"\d{1,5}/(udp|tcp)", port):
            raise ctx.error(
                "ports", f"`{port}` is no port", hint="write `53/udp` or `80/tcp`", item=index
            )
