"""The verbs, by what a person wants to do; ``help`` and shell completion read this table."""

from __future__ import annotations

from typing import NamedTuple


class Verb(NamedTuple):
    """One verb: the module below ``unibuild.cli`` that implements it, and one line of help."""

    name: str
    module: str
    summary: str


GROUPS: tuple[tuple[str, tuple[Verb, ...]], ...] = (
    (
        "Build",
        (
            Verb("build", "build", "build targets and everything that they need"),
            Verb("test", "test", "run test targets; one that passed is not run again"),
            Verb("run", "run", "build an image and start it here, console in the foreground"),
            Verb("clean", "clean", "delete the outputs and the kept graph (the cache stays)"),
        ),
    ),
    (
        "Ask",
        (
            Verb("targets", "targets", "list targets with their rules"),
            Verb("query", "query", "ask the target graph: deps, rdeps, somepath, kind, attr, …"),
            Verb("explain", "explain", "what is in an image, by size, and why"),
            Verb("why", "why", "how one component came into an image"),
            Verb("size", "size", "sizes of an image by segment, component and symbol"),
        ),
    ),
    (
        "Prove",
        (
            Verb(
                "verify",
                "verify",
                "prove an image: rebuild it, compare, list, boot, check who signed",
            ),
            Verb("diff", "diff", "what differs between two outputs, down to symbols, and why"),
            Verb("attest", "attest", "write the provenance of an image (SLSA, in-toto)"),
            Verb("sign", "sign", "sign a provenance or another statement (DSSE)"),
            Verb("sbom", "sbom", "write the bill of materials of an image (CycloneDX, SPDX)"),
            Verb(
                "vex", "vex", "which vulnerabilities are in code that is not in an image (OpenVEX)"
            ),
        ),
    ),
    (
        "External artefacts",
        (
            Verb("lock", "lock", "write unibuild.lock for the packages that targets name"),
            Verb("fetch", "fetch", "fetch locked packages, so that later verbs need no network"),
            Verb("update", "update", "look for newer versions of the named packages"),
        ),
    ),
    (
        "Workspace",
        (
            Verb("new", "new", "make a new package with a first program"),
            Verb("schema", "schema", "print the JSON Schema of BUILD.toml or WORKSPACE.toml"),
            Verb("cache", "cache", "info, gc, verify: look after the local cache"),
            Verb("doctor", "doctor", "check what this machine has and lacks"),
            Verb("completion", "completion", "print shell completion for bash, zsh or fish"),
        ),
    ),
)

VERBS: dict[str, Verb] = {verb.name: verb for _, verbs in GROUPS for verb in verbs}
