"""Questions that a manifest answers: what is in an image, why, and how big is it.

Every function takes a parsed manifest and returns plain JSON-like data; verbs only print it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unibuild.image import program_questions
from unibuild.model.errors import UserError
from unibuild.model.suggestions import did_you_mean

if TYPE_CHECKING:
    from unibuild.image.manifest import Manifest

_GIVEN = {
    "image": "the image's own parameters and files",
    "program": "the program itself",
}


def explain(manifest: Manifest) -> dict[str, Any]:
    """List the components, the biggest first, each with the one reason for which it is in."""
    return {
        "label": manifest["label"],
        "app": manifest["app"],
        "platform": manifest["platform"]["label"],
        "size": manifest["image"]["size"],
        "sandbox": manifest["sandbox"],
        "components": [
            {
                **_sizes(component),
                "description": component["description"],
                "because": _because(manifest, component),
            }
            for component in manifest["components"]
        ],
        "stubs": [one["label"] for one in manifest["components"] if one["kind"] == "stub"],
        "devices": manifest["platform"]["devices"],
        "files": manifest["files"],
        "ports": manifest.get("ports", []),
        "program": program_questions.summary(manifest),
    }


def why(manifest: Manifest, component: str) -> dict[str, Any]:
    """Return the chain of targets and symbols that pulled ``component`` into the image.

    ``component`` is a label, or enough of its end to be the only one: ``kernel/thread``,
    ``thread``; or a system call of a Linux program (``sendfile``), whose answer has a ``call`` and
    no ``component``. ``UserError`` ``not-in-image`` when nothing in the image is meant.
    """
    call = program_questions.call_named(manifest, component)
    if call and component not in {one["label"] for one in manifest["components"]}:
        return program_questions.why(manifest, call)
    found = _component(manifest, component)
    first = found["reason"][0] if found["reason"] else None
    return {
        "image": manifest["label"],
        "component": found["label"],
        "kind": found["kind"],
        "because": _because(manifest, found),
        "origin": program_questions.because(manifest, first) if first else "",
        "steps": found["reason"],
        "objects": found["objects"],
        "calls": program_questions.calls_into(manifest, found["label"]),
    }


def size(manifest: Manifest) -> dict[str, Any]:
    """Return the size of the boot file and what each component takes, in the file and in memory."""
    components = [_sizes(component) for component in manifest["components"]]
    return {
        "label": manifest["label"],
        "size": manifest["image"]["size"],
        "memory": sum(one["file_bytes"] + one["zeroed_bytes"] for one in components),
        "components": components,
        "sections": manifest["sections"],
        "unclaimed": manifest["unclaimed"],
        "files": manifest["files"],
    }


def _sizes(component: dict[str, Any]) -> dict[str, Any]:
    return {key: component[key] for key in ("label", "kind", "file_bytes", "zeroed_bytes")}


def _because(manifest: Manifest, component: dict[str, Any]) -> str:
    if component["kind"] in _GIVEN:
        return _GIVEN[component["kind"]]
    if not component["reason"]:
        return "linked as an object of its own"
    step = component["reason"][-1]
    by_call = program_questions.because(manifest, step)
    return by_call or f"{_wanted_by(step)} needs `{step['symbol']}`"


def _wanted_by(step: dict[str, str]) -> str:
    if not step["from_object"]:
        return f"the boot of {step['from']}"
    return f"{step['from_object']} of {step['from']}"


def _component(manifest: Manifest, text: str) -> dict[str, Any]:
    labels = {component["label"]: component for component in manifest["components"]}
    if text in labels:
        return dict(labels[text])
    matches = [
        label
        for label in labels
        if text in _short_names(label) or label.rpartition(":")[0].endswith(f"/{text}")
    ]
    if len(matches) == 1:
        return dict(labels[matches[0]])
    short = [name for label in labels for name in _short_names(label)]
    if matches:
        raise UserError(
            "ambiguous-component",
            f"`{text}` may be {' or '.join(f'`{label}`' for label in sorted(matches))}",
            hint="write the whole label",
        )
    program_questions.refuse_absent_call(manifest, text)
    calls = program_questions.calls(manifest)
    raise UserError(
        "not-in-image",
        f"{manifest['label']} holds no component `{text}`",
        hint=did_you_mean(text, [*labels, *short, *calls])
        or f"`unibuild explain {manifest['label']}` lists what it holds",
    )


def _short_names(label: str) -> set[str]:
    package, _, name = label.rpartition(":")
    package = package.rpartition("//")[2]
    names = {name, f"//{package}:{name}", f"{package}:{name}"}
    if package.rpartition("/")[2] == name:
        names |= {label.rpartition(":")[0], f"//{package}", package}
    return names
