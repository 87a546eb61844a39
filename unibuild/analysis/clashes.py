"""Output clashes: no two actions may make the same path, or one below another's file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unibuild.model.artifacts import Artifact, Origin
from unibuild.model.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from unibuild.analysis.targets import Target
    from unibuild.model.actions import Action


def check_outputs(actions: Sequence[Action], target_of: Callable[[str], Target]) -> list[UserError]:
    """Return one error for each clash of outputs, and for each input that no action makes."""
    maker: dict[str, Action] = {}
    errors: list[UserError] = []
    for action in actions:
        for output in action.outputs:
            earlier = maker.setdefault(output.path, action)
            if earlier is not action:
                errors.append(_same(output, earlier, action, target_of))
    folders: dict[str, tuple[str, Action]] = {}
    for path, action in maker.items():
        parent = path.rpartition("/")[0]
        if parent not in folders:
            folders[parent] = (path, action)
    for folder, (path, action) in folders.items():
        above = folder
        while above:
            other = maker.get(above)
            if other is not None:
                errors.append(_below(path, above, action, other, target_of))
                break
            above = above.rpartition("/")[0]
    if not errors:
        errors.extend(_unmade(actions, maker, target_of))
    return errors


def _same(
    output: Artifact, first: Action, second: Action, target_of: Callable[[str], Target]
) -> UserError:
    """Return the error for two actions that make one path."""
    if first.label == second.label:
        cause = f"`{second.label}` makes `{output.output_path}` twice"
    else:
        cause = f"`{first.label}` and `{second.label}` both make `{output.output_path}`"
    return UserError(
        "output-clash",
        cause,
        target_of(second.label).place(),
        "rename an output or a target",
        ()
        if first.label == second.label
        else (f"the other is at {target_of(first.label).place()}",),
    )


def _below(
    path: str, above: str, action: Action, other: Action, target_of: Callable[[str], Target]
) -> UserError:
    """Return the error for an output that would lie inside another output."""
    return UserError(
        "output-clash",
        f"`{action.label}` makes `{path}`, which lies inside the output `{above}` of `{other.label}`",
        target_of(action.label).place(),
        "rename an output or a target",
        (f"the other is at {target_of(other.label).place()}",),
    )


def _unmade(
    actions: Sequence[Action], maker: dict[str, Action], target_of: Callable[[str], Target]
) -> list[UserError]:
    """Return one error for each action with a generated input that nothing makes."""
    errors = []
    for action in actions:
        for artifact in action.inputs:
            if artifact.origin is Origin.GENERATED and artifact.path not in maker:
                cause = f"`{action.label}` reads `{artifact.path}`, which its rule declared and never makes"
                errors.append(UserError("bad-rule-module", cause, target_of(action.label).place()))
                break
    return errors
