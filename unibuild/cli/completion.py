"""Print a completion script for a shell: verbs, their options, and labels of this workspace.

eval "$(unibuild completion bash)"                 in ~/.bashrc
eval "$(unibuild completion zsh)"                  in ~/.zshrc
unibuild completion fish | source                  in config.fish
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unibuild.cli.verbs import VERBS

if TYPE_CHECKING:
    import argparse

    from unibuild.cli.terminal import Terminal

# One place decides what may follow: the hidden call 'unibuild completion --words WORD…', so that
# the three scripts only carry words to it and candidates back.
_BASH = """\
_unibuild() {
    local words=("${COMP_WORDS[@]:1:COMP_CWORD}")
    COMP_WORDBREAKS=${COMP_WORDBREAKS//:/}
    mapfile -t COMPREPLY < <(unibuild completion --words "${words[@]}" 2>/dev/null)
}
complete -o default -F _unibuild unibuild ./ub"""
_ZSH = """\
_unibuild() {
    local -a candidates
    candidates=("${(@f)$(unibuild completion --words "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    compadd -a candidates
}
compdef _unibuild unibuild"""
_FISH = """\
complete -c unibuild -a '(unibuild completion --words \
(commandline -opc)[2..] (commandline -ct) 2>/dev/null)'"""
_SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the shell."""
    import argparse

    parser.add_argument("shell", nargs="?", choices=sorted(_SCRIPTS), help="the shell to complete")
    parser.add_argument("--words", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)


def execute(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Print the script of a shell, or the candidates for the words so far."""
    if arguments.words is not None:
        for word in candidates(arguments.words):
            terminal.data(word)
        return 0
    if arguments.shell is None:
        from unibuild.model.errors import UserError

        raise UserError(
            id="bad-usage",
            cause="completion needs the name of a shell",
            hint=f"one of {', '.join(sorted(_SCRIPTS))}",
        )
    terminal.data(_SCRIPTS[arguments.shell])
    return 0


def candidates(words: list[str]) -> list[str]:
    """Return what may stand for the last of ``words`` (the words after ``unibuild``)."""
    *before, last = words or [""]
    verb = next((word for word in before if word in VERBS), None)
    if verb is None:
        return sorted(name for name in VERBS if name.startswith(last))
    if verb == before[-1] and not last.startswith("-") and (actions := _verb_actions(verb)):
        return [name for name in actions if name.startswith(last)]
    if last.startswith("-"):
        return sorted(option for option in _options(verb, before) if option.startswith(last))
    return [label for label in _labels() if label.startswith(last)]


def _options(verb: str, before: list[str]) -> list[str]:
    """Return the options of a verb, or of that of its actions which is among the words ``before``."""
    from unibuild.cli.dispatch import parser_for

    parser: argparse.ArgumentParser = parser_for(verb)
    for name, inner in actions_of(parser).items():
        if name in before:
            parser = inner
    return list(parser._option_string_actions)  # noqa: SLF001 - argparse has no other way


def _verb_actions(verb: str) -> list[str]:
    from unibuild.cli.dispatch import parser_for

    return sorted(actions_of(parser_for(verb)))


def actions_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Return the parsers of what follows a verb such as ``cache``."""
    import argparse

    for action in parser._actions:  # noqa: SLF001 - argparse has no other way
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - the same
            return dict(action.choices)
    return {}


def _labels() -> list[str]:
    from unibuild.analysis.listing import target_rows
    from unibuild.cli.terminal import Terminal
    from unibuild.cli.workspace import Composition
    from unibuild.model.errors import ErrorGroup, UnibuildError

    try:
        workspace = Composition.here(Terminal()).workspace
        return [row.label for row in target_rows(workspace, ["//..."])]
    except (UnibuildError, ErrorGroup):
        # A workspace that does not load has nothing to offer; completion is no place for errors.
        return []
