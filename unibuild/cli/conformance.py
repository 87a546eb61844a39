"""``doctor --cache``: run the conformance suite of ``cache/conformance`` against a server.

The suite is a part of the standard repository, for people who run servers; it is loaded by its path.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from typing import TYPE_CHECKING, Any

from unibuild.model.errors import DifferenceError, HostError, InternalError

if TYPE_CHECKING:
    from types import ModuleType

    from unibuild.cli.terminal import Terminal
    from unibuild.store.remote.settings import Remote

_PACKAGE = "unibuild_conformance"
_FOLDER = "cache/conformance"
_ANSWERS = "server.answers"
_FAILS = "fails"


def check_server(remote: Remote, function_name: str, terminal: Terminal, *, as_json: bool) -> int:
    """Print a line for each thing tried, then what it comes to; 0, 3 no answer, or 4 a failure."""
    suite = _suite()

    def report(verdict: Any) -> None:  # noqa: ANN401 - the suite's own type, loaded by path
        if not as_json:
            terminal.data(suite.line(verdict))
            sys.stdout.flush()

    verdicts = suite.run(remote, function_name, report)
    url = remote.cache.url if remote.cache is not None else ""
    if as_json:
        terminal.data(json.dumps(suite.document(url, function_name, verdicts)))
    elif len(verdicts) > 1:
        terminal.note(suite.summary(verdicts))
    failed = [verdict.name for verdict in verdicts if verdict.outcome == _FAILS]
    if not failed:
        return 0
    return (HostError if failed == [_ANSWERS] else DifferenceError).exit_code


def _suite() -> ModuleType:
    """Return the suite as a package, whatever folder it is in."""
    from unibuild.loading.workspace import builtin_repository

    folder = builtin_repository() / _FOLDER
    spec = importlib.util.spec_from_file_location(
        _PACKAGE, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None or not (folder / "__init__.py").is_file():
        raise InternalError(
            "no-conformance-suite", f"this installation of unibuild lacks {_FOLDER}"
        )
    module = importlib.util.module_from_spec(spec)
    sys.modules[_PACKAGE] = module
    spec.loader.exec_module(module)
    return module
