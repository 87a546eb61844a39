"""Workspaces whose one target follows one thing of its surroundings, and what has to be said of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from verify.rebuilds import Small

from unibuild.model.errors import DifferenceError
from unibuild.verify.outcome import Outcome
from unibuild.verify.variations import catalogue
from unibuild.verify.workbench import Options, Workbench

Make = Callable[..., Small]

RULE = '''\
"""A rule that looks at what it must not."""

import locale, os, subprocess, tempfile, time
from pathlib import Path

from unibuild.analysis.api import Attributes, DefaultInfo, OneLabel, Provider, RuleContext, ToolchainInfo, rule


def in_order(letters):
    locale.setlocale(locale.LC_COLLATE, "")
    return "".join(sorted(letters, key=locale.strxfrm))


def mask():
    found = os.umask(0o022)
    os.umask(found)
    return found


def git():
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--is-inside-work-tree"]
    return subprocess.run(command, capture_output=True).returncode


class LeakAttributes(Attributes):
    looks: str
    shell: OneLabel = "@unibuild//toolchains/busybox"


@rule("leak", LeakAttributes, provides=(DefaultInfo,), doc="Writes what it sees.")
def leak(ctx: RuleContext[LeakAttributes]) -> list[Provider]:
    output = ctx.declare_file(ctx.label.name)
    shell = ctx.dependency("shell", ToolchainInfo)
    seen = str(eval(ctx.attributes.looks, globals()))
    ctx.action(
        "Leak", [*shell.tools["sh"], "-c", 'echo "$1" > "$2"', "leak", seen, output],
        inputs=[shell.tree], outputs=[output],
    )
    return [DefaultInfo((output,))]
'''
BY_RULES = {
    "environment": "os.environ.get('CFLAGS')",
    "build_path": "Path(__file__).parent.parent.name",
    "user_group": "os.geteuid()",
    "domain_host": "os.uname().nodename",
    "home": "os.path.expanduser('~')",
    "locales": "in_order('abcdefghijklmnopqrstuvwxyz')",
    "exec_path": "os.environ['PATH']",
    "timezone": "time.strftime('%z')",
    "umask": "mask()",
    "hashseed": "list({'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight'})",
    "tmpdir": "tempfile.gettempdir()",
    "git": "git()",
    "terminal": "os.environ.get('COLUMNS')",
}
"""What a team's own rule sees in the process that builds."""
IN_THE_SANDBOX = {
    "kernel": "uname -r > $@",
    "aslr": "grep stack /proc/self/maps > $@",
    "num_cpus": "nproc > $@",
    "time": "date +%Y > $@",
    "fileordering": "find . > $@",
    "staging": "if [ $$(stat -c %h $<) = 1 ]; then echo copied; else echo linked; fi > $@",
    "filesystem": "if [ $$(stat -f -c %T .) = tmpfs ]; then echo tmpfs; else echo disk; fi > $@",
}
"""What an action sees whatever it is kept from."""
WITHOUT_A_SANDBOX = {
    "cache_folder": "case $$PWD in *'of the cache'*) echo moved;; *) echo here;; esac > $@",
    "domain_host": "hostname > $@",
    "user_group": "id -u > $@",
    "umask": "grep Umask /proc/$$PPID/status > $@",
    "timezone": "tr '\\\\0' '\\\\n' < /proc/$$PPID/environ | grep -c ^TZ= > $@ || true",
}
"""What only the sandbox keeps from an action."""
STEADIED = ("aslr", "hashseed")
"""Whose control is drawn anew by each process."""


def by_rule(small: Make, looks: str) -> Small:
    workspace = small(f'[leak.leak]\nlooks = "{looks}"\n')
    (workspace.root / "rules").mkdir()
    workspace.write("rules/leak.py", RULE)
    workspace.write("WORKSPACE.toml", 'name = "small"\nrules = ["rules/leak.py"]\n')
    return workspace


def by_genrule(small: Make, command: str, **more: object) -> Small:
    text = f'[genrule.leak]\nsrcs = ["words"]\nouts = ["leak.txt"]\ncmd = "{command}"\n'
    return small(text, **more)


def with_vary(bench: Workbench, *names: str) -> Workbench:
    return replace(bench, options=Options(vary=names))  # one memory for both


def among_others(bench: Workbench, name: str) -> Workbench:
    """Have ``name`` varied, and some others that an action could follow instead."""
    names = [each.name for each in catalogue.ALL if not each.lacking(bench)]
    place = names.index(name)
    return with_vary(bench, name, names[place - 1], names[place - 2], names[place - 3])


def rows(outcome: Outcome) -> dict[str, dict[str, str]]:
    found = outcome.facts["variations"]
    assert isinstance(found, dict)
    return found


def check_named(outcome: Outcome, name: str, kind: str) -> None:
    """See to it that the failure is laid to the variation and the action, and to nothing else."""
    assert outcome.status == "failed", outcome
    error = outcome.errors[0]
    assert isinstance(error, DifferenceError)
    assert error.id == "varied-rebuild-differs"
    assert error.label == "//:leak"
    difference = outcome.facts["difference"]
    assert isinstance(difference, dict)
    assert difference["variations"] == [name], error.detail
    assert difference["verdict"] == ("steadied" if name in STEADIED else "varied")
    assert [row for row, said in rows(outcome).items() if said["status"] == "failed"] == [name]
    row = rows(outcome)[name]
    assert error.cause.startswith(
        f"each time, because of {name}, " if name in STEADIED else f"with {name} varied, "
    )
    assert f"{kind} of //:leak" in error.cause
    assert row["experiment"] in error.detail[0]


def skip_lacking(bench: Workbench, name: str) -> None:
    why = catalogue.BY_NAME[name].lacking(bench)
    if why:
        pytest.skip(why)
