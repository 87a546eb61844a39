"""The conformance suite: what a server of the Remote Execution API really does, check by check.

    python -m cache.conformance grpc://127.0.0.1:50051        (or: unibuild doctor --cache)

``run`` examines one server and reports a ``Verdict`` a check. It uses unibuild's own connection and
messages, raw, so that nothing of the client hides how the server behaves; it writes random content of
some 50 MB in all, and cannot remove it again, since the protocol has no way to.

Rules of use: imports within are relative, because the folder is loaded by its path as well as under
its name; nothing here is imported by a build.
"""

from __future__ import annotations

from .suite import run
from .verdicts import Verdict, document, line, summary

__all__ = ["Verdict", "document", "line", "run", "summary"]
