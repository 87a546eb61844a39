"""The attributes of the Go rules, apart from what the rules do with them."""

from __future__ import annotations

from pydantic import Field

from unibuild.analysis.api import Attributes, GoSum, OneLabel, Sources, Strings


class GoBinaryAttributes(Attributes):
    """What `go_binary` accepts."""

    srcs: Sources = Field(
        description="The module: `go.mod`, the Go files, and what they embed. Tests may be among them."
    )
    go_sum: GoSum = Field(
        "",
        description="The module's `go.sum`, where it needs modules of others: `unibuild lock` pins "
        "every one that is named there.",
    )
    package: str = Field(
        ".",
        pattern=r"^\.(/[^/]+)*$",
        description="The main package: a path from the module's folder, such as `./cmd/server`.",
    )
    build_tags: Strings = Field((), description="Build constraints that hold (`go build -tags`).")
    link_flags: Strings = Field(
        (),
        description="Further flags for the linker (`go build -ldflags`), such as `-X` and `main.v=1`.",
    )
    debug: bool = Field(
        default=False,
        description="Keeps the symbol table and DWARF in the executable; Go's own backtraces work "
        "without them.",
    )
    toolchain: OneLabel = Field("@unibuild//toolchains/go", description="The Go toolchain.")
    shell: OneLabel = Field(
        "@unibuild//toolchains/busybox",
        description="The toolchain whose `sh` joins the steps of an action.",
    )
