"""The entry: the shortcuts of a plain build, else one verb, and one place where errors are shown.

The most frequent build has nothing to do, so ``main`` asks the kept graph before it imports
anything that this would not need (docs/architecture.md, "The null build"). That is why this module
imports inside functions, and not even ``typing``.

    unibuild [-C DIR] [--debug] VERB [ARGUMENTS]
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from unibuild.cli.shortcut import PlainBuild
    from unibuild.cli.terminal import Terminal
    from unibuild.model.errors import ErrorGroup, UnibuildError

EXIT_INTERRUPTED = 130


def main(argv: list[str] | None = None) -> int:
    """Run one command line and return its exit code.

    0 done, 1 an action failed, 2 the user's mistake, 3 the environment, 4 a verification found a
    difference, 70 a fault of unibuild's, 130 interrupted; ``run`` returns the program's own.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    from unibuild.cli import shortcut

    asked = shortcut.understand(arguments)
    done = shortcut.null_build(asked) if asked else None
    return _run(arguments, asked) if done is None else done


def _run(arguments: list[str], asked: PlainBuild | None) -> int:
    from unibuild.cli.terminal import Terminal
    from unibuild.model.errors import ErrorGroup, UnibuildError

    terminal = Terminal()
    debug = "--debug" in arguments
    try:
        code = _kept_build(asked, terminal) if asked else None
        if code is None:
            from unibuild.cli.dispatch import dispatch

            code = dispatch(arguments, terminal)
        sys.stdout.flush()
    except (UnibuildError, ErrorGroup) as error:
        if debug:
            raise
        return _show(error, terminal)
    except KeyboardInterrupt:
        terminal.note("interrupted")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of our output (head, a pager) has gone; there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if debug:
            raise
        return _show(fault(error), terminal)
    return code


def _kept_build(asked: PlainBuild, terminal: Terminal) -> int | None:
    from unibuild.cli import kept_build

    return kept_build.build(asked, terminal)


def _show(error: UnibuildError | ErrorGroup, terminal: Terminal) -> int:
    from unibuild.cli.outcome import show_errors

    sys.stdout.flush()
    show_errors(error, terminal)
    return error.exit_code


def fault(error: Exception) -> UnibuildError:
    """Return what people are told of an exception that nothing expected."""
    import traceback

    from unibuild.model.errors import InternalError

    last = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{os.path.basename(last.filename)}:{last.lineno}"
    return InternalError(
        id="internal-fault",
        cause=f"unibuild met a fault of its own: {type(error).__name__}: {error} ({where})",
        hint="repeat the command with --debug for the traceback, and report it with that",
    )
