"""The rules that a workspace can use: those of the standard repository and its own.

Rule modules are Python files loaded by path. Each folder of them becomes a package of a made-up
name, so that modules of one folder can import one another relatively and never clash with anything
on ``sys.path``.
"""

from __future__ import annotations

import importlib
import itertools
import os
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from unibuild.analysis.rule import RULE_MARK, Rule
from unibuild.loading.sources import check_path_text
from unibuild.loading.toml_file import decode, read_bytes
from unibuild.loading.workspace import STANDARD_REPOSITORY
from unibuild.model.errors import ErrorGroup, Place, UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unibuild.loading.workspace import Workspace

RULES_FOLDER = "rules"
_counter = itertools.count()
_standard: dict[Path, tuple[dict[str, Rule], tuple[str, ...]]] = {}


@dataclass(frozen=True, slots=True)
class Registry:
    """Rules by name; ``files`` are the absolute paths of the modules that define them.

    ``own`` are the names of the rules that the workspace brought itself.
    """

    rules: Mapping[str, Rule]
    files: tuple[str, ...]
    own: frozenset[str] = frozenset()


def load_registry(workspace: Workspace) -> Registry:
    """Load the rule modules of the standard repository and those that WORKSPACE.toml names."""
    home = workspace.repositories.get(STANDARD_REPOSITORY, workspace.root)
    rules, files = standard_rules(home / RULES_FOLDER)
    own: dict[str, Rule] = {}
    own_files: list[str] = []
    errors: list[UserError] = []
    for index, name in enumerate(workspace.settings.rules):
        try:
            loaded, read = _workspace_module(workspace, name)
        except UserError as error:
            if error.place is None:
                error.place = workspace.place("rules", index)
            errors.append(error)
            continue
        own_files.extend(read)
        for rule in loaded:
            earlier = own.get(rule.name) or rules.get(rule.name)
            if earlier is not None:
                cause = f"`{name}` defines the rule `{rule.name}`, which there is already"
                place = workspace.place("rules", index)
                errors.append(UserError("duplicate-rule", cause, place, "give it another name"))
                continue
            own[rule.name] = rule
    if errors:
        raise errors[0] if len(errors) == 1 else ErrorGroup(tuple(errors))
    return Registry({**rules, **own}, (*files, *own_files), frozenset(own))


def standard_rules(folder: Path) -> tuple[dict[str, Rule], tuple[str, ...]]:
    """Return the rules of a folder of modules, by name, and the modules' files; loaded once."""
    found = _standard.get(folder)
    if found is None:
        files = sorted(file for file in folder.glob("*.py") if file.name != "__init__.py")
        package = _package_for(folder)
        rules: dict[str, Rule] = {}
        for file in files:
            module = importlib.import_module(f"{package}.{file.stem}")
            for rule in _rules_of(module):
                rules[rule.name] = rule
        found = rules, tuple(str(file) for file in files)
        _standard[folder] = found
    return found


def _package_for(folder: Path) -> str:
    """Make a package whose modules are the files in ``folder``; return its name."""
    name = f"unibuild_rules_{next(_counter)}"
    package = ModuleType(name)
    package.__path__ = [str(folder)]
    sys.modules[name] = package
    return name


def _rules_of(module: ModuleType) -> list[Rule]:
    """Return the rules that ``module`` itself defines, in order."""
    marked = (getattr(value, RULE_MARK, None) for value in vars(module).values())
    return [rule for rule in marked if isinstance(rule, Rule) and rule.module == module.__name__]


def _workspace_module(workspace: Workspace, name: str) -> tuple[list[Rule], list[str]]:
    """Load one rule module of the workspace; return its rules and the files it is made of.

    Whatever it does wrong is a ``UserError``. No byte code is kept: a module that changed is read
    anew, and nothing is written beside it.
    """
    check_path_text(name)
    file = workspace.root / name
    text = decode(read_bytes(file, name), name)
    package = _package_for(file.parent)
    module = ModuleType(f"{package}.{file.stem}")
    module.__file__ = str(file)
    module.__package__ = package
    sys.modules[module.__name__] = module
    keeps_none, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        exec(compile(text, str(file), "exec"), vars(module))  # noqa: S102 - running it is the point
    except SyntaxError as fault:
        line = (fault.text or "").rstrip("\n")
        shown = os.path.relpath(fault.filename or file, workspace.root)
        place = Place(shown, fault.lineno or 0, fault.offset or 0, line)
        raise UserError("bad-rule-module", f"not valid Python: {fault.msg}", place) from None
    except (Exception, SystemExit) as fault:
        raise module_error(fault, file, name, "the rule module cannot be loaded") from fault
    finally:
        sys.dont_write_bytecode = keeps_none
    rules = _rules_of(module)
    if not rules:
        raise UserError(
            "bad-rule-module", f"`{name}` defines no rule", hint="declare rules with `@rule(…)`"
        )
    parts = [part for key, part in sys.modules.items() if key.startswith(f"{package}.")]
    return rules, sorted(str(part.__file__) for part in parts if part.__file__)


def module_error(fault: BaseException, file: Path, name: str, what: str) -> UserError:
    """Return the error for an exception out of a workspace's own rule module, at its last line there."""
    place = Place(name)
    for frame in traceback.extract_tb(fault.__traceback__):
        if frame.filename == str(file):
            place = Place(name, frame.lineno or 0, 0, frame.line or "")
    said = str(fault)
    cause = f"{what}: {type(fault).__name__}" + (f": {said}" if said else "")
    return UserError("bad-rule-module", cause, place)
