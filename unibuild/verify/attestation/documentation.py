"""The reference page of the build type and of the files around it, from the models that read them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from unibuild.verify.attestation import policy, strict_json, summary, trust
from unibuild.verify.attestation.provenance import (
    BUILD_TYPE,
    LOCAL_BUILDER,
    UNSANDBOXED_BUILDER,
    BuildOptions,
    Parameters,
    Source,
)
from unibuild.verify.attestation.statement import PAYLOAD_TYPE, PROVENANCE, TYPE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel

_PAGE = """\
# Provenance

{note}

`unibuild attest LABEL` writes what an image was made of and how, as an in-toto Statement with SLSA
provenance v1, beside the image: `NAME.provenance.json`. It never goes into the image, so times in it
change no byte that is shipped. `--no-times` leaves times and the random invocation id out; the same build
then gives the same file.

## Build type `{build_type}`

One image target of a workspace, built by unibuild: the actions that the workspace's BUILD.toml files
declare, each in a sandbox that shows it its declared inputs and nothing else.

To start the same build: check `source.commit` of `source.uri` out, go to the folder `source.path`, and run
`unibuild build --sandbox=SANDBOX LABEL` with the unibuild that `resolvedDependencies` name. `unibuild verify
IMAGE-FILE --provenance FILE` does that and compares.

### externalParameters

All of them; a verifier refuses others.

{parameters}

Options that change no output (jobs, progress, caches) are no parameters: an action's result is named by
the digest of everything that can change it.

### internalParameters

| Name | Meaning |
|---|---|
| `sandbox` | What the actions ran in: `bubblewrap`, or `none` where there was no sandbox. |
| `execution` | Where actions could run: `local`, `remote`, or `auto` for both. |
| `remoteCache` | Whether results of a remote cache could be used. |

### resolvedDependencies

From the action graph and the lock; nothing that an action wrote is believed. `annotations.kind` says what
an entry is:

| Kind | Named by | Digest |
|---|---|---|
| `git` | `uri` `git+URL@COMMIT`, where the repository has a remote | `gitCommit` |
| `engine` | unibuild itself, with its version: its built-in actions make outputs too | `dirHash` of its Python modules |
| `standard-repository` | `@unibuild`: kernel components, rules, toolchains' pins | `dirHash` of {parts} |
| `package` | `uri`: the package URL, with `#FILE` where a package has several; `targets` read it (a toolchain is read by a target below `@unibuild//toolchains`) | `sha256` of the lock |
| `source` | `name`: `PATH`, or `@REPOSITORY//PATH`: every source that an action can read, and the BUILD.toml files, rule modules and locks that made the graph | `sha256` |

`dirHash` is in-toto's: the SHA-256 of what `sha256sum` prints for the files, sorted by their paths.

### Subjects

The boot file, its symbols and its manifest, with `sha256`; `annotations.role` is `image`, `symbols` or
`manifest`.

### Example

```json
{example}
```

## Builders and SLSA levels

| `builder.id` | Who that is | SLSA build level |
|---|---|---|
| `{local}` | unibuild, run by anybody on any machine | 1 |
| `{unsandboxed}` | the same, with actions that ran in no sandbox | 1 |
| `--builder-id URI` | the service that you say runs it | what its verifiers grant it |

Level 1 says that provenance exists, that it names the output by digest, and how it was built. That is all
that a local build can claim, signed or not: whoever runs the build could also write another provenance, and
holds the key that signs it. A job that you run on a hosted service signs as you do, so a signature in the
job alone changes nothing.

Level 2 needs a hosted service, and provenance that the service, not the job, writes and signs. With
unibuild that is a workflow that its users cannot change (a reusable workflow, a protected template), which
builds, attests with its own `--builder-id`, and signs with an identity or key that only this workflow has.
Level 3 also needs builds that cannot reach each other or the key; unibuild's part of it is that actions see
no key, no network and no cache but verified content. unibuild never claims level 2 or 3: a verifier grants
it to a builder and a key in a trust file (`level`). The ids above never get more than level 1.

## Signatures

`unibuild sign FILE` writes `FILE.dsse.json`: a DSSE envelope whose payload is the statement in canonical
JSON (RFC 8785) and whose `payloadType` is `{payload_type}`. Keys are Ed25519 in PKCS8 PEM: `--key FILE`
(mode 0600), `--key-variable NAME` (the PEM text in an environment variable, for CI), else the key of
`unibuild cache key`. Others add theirs with `unibuild sign FILE.dsse.json`. A key's id is a hint; each
signature is tried with each key that the verifier named, and a key counts once.

`--keyless` signs with sigstore (`unibuild[sigstore]`) and writes its bundle, `FILE.sigstore.json`, which
sigstore's own tools verify.

Whoever verifies can name ECDSA keys too. A key that has expired counts for nothing, whenever it signed: a
signature carries no time that could be trusted.

## Trust files

`unibuild verify --signed-by` takes a public key (PEM file, or `ed25519:BASE64`) or a trust file in TOML:

{trust}

Each `[[key]]`:

{key}

## Policies

`unibuild verify --policy FILE`, in TOML:

{policy}

`[source]`:

{source}

`[signatures]`:

{signatures}

In patterns `*` stands for any characters but `/`, and `**` for any. Whatever external parameter a provenance
has and the policy does not expect is refused. With `[parameters]` all of them but `source` have to be equal;
without it those of this page may have any value. A policy that names no key, without `--signed-by`, is held
against what the provenance claims of itself, and the report says so.

```toml
builders = ["https://ci.example.com/release@v1"]

[source]
uri = ["git+https://git.example.com/team/*"]

[parameters]
label = "//services/dns:image"

[parameters.options]
digestFunction = "blake3"
defaultPlatform = "@unibuild//kernel/platform:qemu-microvm"
sandbox = "required"

[signatures]
keys = ["release.pub", "review.pub"]
threshold = 2
```

## Verification summaries

`unibuild verify --reproduced N --signed-by … --vsa FILE` writes a SLSA verification summary when at least N
independent builders made the image: different builder ids, signed by different keys (of different
operators, where the trust file names them).

| Field | Value |
|---|---|
| `verifier.id` | `{verifier}`: whoever ran `verify`; the signature says who that is |
| `resourceUri` | `urn:unibuild:image:LABEL`, or `urn:unibuild:image-digest:sha256:HEX` where the provenances name different labels |
| `policy` | `{vsa_policy}`; the digest is that of the canonical JSON of N and of the keys with their builders, operators and levels |
| `inputAttestations` | the SHA-256 of every file whose signature counted |
| `verifiedLevels` | `SLSA_BUILD_LEVEL_n`, the highest that a trusted key gives to one of the builders, and `{reproduced}` |
| `slsaVersion` | `{slsa}`; `{reproduced}` is in the draft after it |

## What is refused

Statements and envelopes come from anybody. Refused as `bad-attestation`, each with one error: files above
{limit} MiB or of more than {values:,} values, text that is no UTF-8 or no JSON, names that stand twice in one object, nesting beyond {depth}
levels, numbers beyond 2^53, `NaN`, halves of surrogate pairs, base64 that is none, a payload of another type,
missing or mistyped fields. Unknown fields are ignored, as in-toto asks, except in `externalParameters`.
"""


def page(note: str) -> str:
    """Return the page; ``note`` says that it is generated."""
    return _PAGE.format(
        note=note,
        build_type=BUILD_TYPE,
        parameters=_table(_parameters()),
        parts="`WORKSPACE.toml`, `unibuild.lock`, `kernel`, `rules`, `toolchains`",
        example=json.dumps(_example(), indent=2),
        local=LOCAL_BUILDER,
        unsandboxed=UNSANDBOXED_BUILDER,
        payload_type=PAYLOAD_TYPE,
        trust=_table(_fields(trust.TrustFile)),
        key=_table(_fields(trust.KeyEntry)),
        policy=_table(_fields(policy.Policy)),
        source=_table(_fields(policy.SourcePolicy)),
        signatures=_table(_fields(policy.SignaturePolicy)),
        verifier=summary.VERIFIER,
        vsa_policy=summary.POLICY,
        reproduced=summary.REPRODUCED,
        slsa=summary.SLSA_VERSION,
        limit=strict_json.LIMIT >> 20,
        values=strict_json.MOST_VALUES,
        depth=strict_json.DEPTH,
    )


def _parameters() -> Iterator[tuple[str, str]]:
    inner: dict[str, type[BaseModel]] = {"source": Source, "options": BuildOptions}
    for name, words in _fields(Parameters):
        if name not in inner:
            yield name, words
            continue
        for below, more in _fields(inner[name]):
            yield f"{name}.{below}", more


def _fields(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    for name, field in model.model_fields.items():
        yield field.alias or name, field.description or ""


def _table(rows: Iterator[tuple[str, str]]) -> str:
    lines = [f"| `{name}` | {words} |" for name, words in rows]
    return "\n".join(["| Name | Meaning |", "|---|---|", *lines])


def _example() -> dict[str, object]:
    commit, some = "3f786850e387550fdab836ed7e6dc881de23001b", "9f86d081…"
    remote = "git+https://git.example.com/team/services"
    parameters = Parameters.model_validate(
        {
            "label": "//services/dns:image",
            "source": {"uri": remote, "commit": commit},
            "options": {
                "digestFunction": "blake3",
                "defaultPlatform": "@unibuild//kernel/platform:qemu-microvm",
                "sandbox": "required",
            },
        }
    )
    dependencies = [
        {
            "name": "workspace",
            "uri": f"{remote}@{commit}",
            "digest": {"gitCommit": commit},
            "annotations": {"kind": "git"},
        },
        {
            "name": "musl_1.2.3.orig.tar.gz",
            "uri": "pkg:deb/debian/musl@1.2.3-1?arch=source",
            "digest": {"sha256": some},
            "annotations": {"kind": "package", "targets": ["@unibuild//toolchains/musl:source"]},
        },
        {
            "name": "services/dns/answer.c",
            "digest": {"sha256": some},
            "annotations": {"kind": "source", "repository": ""},
        },
    ]
    return {
        "_type": TYPE,
        "subject": [
            {
                "name": "services/dns/image.elf",
                "digest": {"sha256": some},
                "annotations": {"role": "image"},
            }
        ],
        "predicateType": PROVENANCE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": parameters.model_dump(by_alias=True, mode="json"),
                "internalParameters": {
                    "sandbox": "bubblewrap",
                    "execution": "local",
                    "remoteCache": False,
                },
                "resolvedDependencies": dependencies,
            },
            "runDetails": {
                "builder": {
                    "id": "https://ci.example.com/release@v1",
                    "version": {"python": "3.11.7", "unibuild": "0.1.0"},
                },
                "metadata": {
                    "invocationId": "https://ci.example.com/runs/7",
                    "startedOn": "2026-11-22T10:00:00Z",
                    "finishedOn": "2026-11-22T10:00:21Z",
                },
            },
        },
    }
