"""The whole way of one build: kept graph, analysis when stale, execution, outputs, kept graph.

``build`` is the only entry; ``kept_graph.try_null_build`` is tried by the caller before this module
is imported at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unibuild.execution.request import (
    BuildReport,
    BuildRequest,
    BuiltinCall,
    OutputReport,
    TargetReport,
    TestReport,
)

if TYPE_CHECKING:
    from unibuild.execution.observer import Observer

__all__ = [
    "BuildReport",
    "BuildRequest",
    "BuiltinCall",
    "OutputReport",
    "TargetReport",
    "TestReport",
    "build",
]


def build(request: BuildRequest, observer: Observer) -> BuildReport:
    """Bring the requested targets' outputs up to date and report what was done."""
    raise NotImplementedError
