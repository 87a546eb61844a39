"""Kernel library components: C libraries that an image links as far as its program reaches them."""

from __future__ import annotations

from unibuild.analysis.api import (
    CcInfo,
    DefaultInfo,
    KernelComponent,
    KernelComponentInfo,
    Provider,
    RuleContext,
    rule,
)

from .cc import library
from .cc_attributes import KernelLibraryAttributes


@rule(
    "kernel_library",
    KernelLibraryAttributes,
    provides=(DefaultInfo, CcInfo, KernelComponentInfo),
    doc="One kernel component: a folder with sources and one public header that is its contract. "
    "It names the components whose headers it includes.",
    example="""\
[kernel_library.thread]
srcs = ["*.c", "*.S"]
hdrs = ["include/unibuild/thread.h"]
includes = ["include"]
deps = ["//kernel/memory"]
description = "Threads, scheduler and wait queues."
""",
)
def kernel_library(ctx: RuleContext[KernelLibraryAttributes]) -> list[Provider]:
    """Compile with the freestanding flags, and name the component."""
    info, archives = library(ctx, "freestanding")
    attributes = ctx.attributes
    component = KernelComponent(ctx.label, attributes.description, archives, attributes.stub)
    components = {component: None}
    for dependency in ctx.optional_dependencies("deps", KernelComponentInfo):
        components.update(dict.fromkeys(dependency.components))
    return [DefaultInfo(archives), info, KernelComponentInfo(component, tuple(components))]
