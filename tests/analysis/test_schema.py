from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import tomli

from unibuild.analysis.schema import build_schema, workspace_schema

Make = Callable[[Mapping[str, str | bytes]], Any]
ROOT = Path(__file__).resolve().parents[2]
OWN = """\
from pydantic import Field
from unibuild.analysis.api import Attributes, Provider, RuleContext, rule


class GreetingAttributes(Attributes):
    whom: str = Field(description="Whom to greet.")


@rule("greeting", GreetingAttributes, doc="Greets.")
def greeting(ctx: RuleContext[GreetingAttributes]) -> list[Provider]:
    return []
"""


def valid(schema: dict[str, Any], text: str) -> bool:
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    return bool(validator.is_valid(tomli.loads(text)))


@pytest.mark.parametrize(
    "path",
    sorted(
        path.relative_to(ROOT).as_posix()
        for folder in ("examples", "kernel", "toolchains", "tests/probes")
        for path in (ROOT / folder).rglob("BUILD.toml")
        if "unibuild-out" not in path.parts
    ),
)
def test_every_build_file_of_the_repository_fits(path: str) -> None:
    assert valid(build_schema(None), (ROOT / path).read_text())


@pytest.mark.parametrize("path", ["WORKSPACE.toml", "examples/WORKSPACE.toml"])
def test_every_workspace_file_of_the_repository_fits(path: str) -> None:
    assert valid(workspace_schema(), (ROOT / path).read_text())


@pytest.mark.parametrize(
    "text",
    [
        '[genrule.x]\nouts = "x"\ncmd = "y"\n',
        '[genrule.x]\nouts = ["x"]\n',
        '[genrule.x]\nouts = ["x"]\ncmd = "y"\nsrc = []\n',
        '[genrul.x]\nouts = ["x"]\ncmd = "y"\n',
        '[genrule."a b"]\nouts = ["x"]\ncmd = "y"\n',
        '[package]\nvisibility = "//..."\n',
    ],
)
def test_what_the_loader_refuses_the_schema_refuses(text: str) -> None:
    assert not valid(build_schema(None), text)


def test_a_workspace_has_the_rules_that_it_brought(sample: Make) -> None:
    made = sample(
        {"WORKSPACE.toml": 'name = "s"\nrules = ["rules/own.py"]\n', "rules/own.py": OWN, "p/x": ""}
    )
    schema = build_schema(made.root / "p")
    assert valid(schema, '[greeting.hello]\nwhom = "world"\n')
    assert not valid(schema, '[greeting.hello]\nwho = "world"\n')
    assert "greeting" not in build_schema(None)["properties"]


def test_every_attribute_says_what_it_is_for() -> None:
    for rule in build_schema(None)["properties"].values():
        for model in rule.get("patternProperties", {}).values():
            for name, attribute in model["properties"].items():
                assert attribute.get("description"), name
