"""Keys, provenances and benches for tests of what is attested, without building anything."""

from __future__ import annotations

import copy
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from securesystemslib.signer import CryptoSigner

from unibuild.store.remote.signatures import public_text
from unibuild.verify.attestation import envelope, strict_json
from unibuild.verify.attestation.provenance import BUILD_TYPE
from unibuild.verify.outcome import Quiet
from unibuild.verify.workbench import FileBench, ImageFiles, Options

CI, OTHER_CI = "https://ci.example.com/release@v1", "https://other.example.com/rebuild@v1"
IMAGE = b"\x7fELF an image"
PARAMETERS = {
    "label": "//services/dns:image",
    "source": {
        "uri": "git+https://git.example.com/team/dns",
        "commit": "1" * 40,
        "path": "",
        "dirty": [],
    },
    "options": {
        "digestFunction": "blake3",
        "defaultPlatform": "@unibuild//kernel/platform:qemu-microvm",
        "sandbox": "required",
    },
}


@dataclass(frozen=True)
class Pair:
    """A key pair: PEM files, the text of the public one, and what signs with the private one."""

    private: Path
    public: Path
    text: str
    signer: CryptoSigner


def pair(folder: Path, name: str) -> Pair:
    """Make a new key pair in ``folder``."""
    key = Ed25519PrivateKey.generate()
    private, public = folder / f"{name}.pem", folder / f"{name}.pub"
    private.touch(mode=0o600)
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    return Pair(
        private, public, public_text(key.public_key().public_bytes_raw()), CryptoSigner(key)
    )


def provenance(image: bytes = IMAGE, *, builder: str = CI) -> dict[str, Any]:
    """Return a provenance of ``image`` as JSON, for tests to change."""
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [
            {
                "name": "services/dns/image.elf",
                "digest": {"sha256": hashlib.sha256(image).hexdigest()},
                "annotations": {"role": "image"},
            }
        ],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": copy.deepcopy(PARAMETERS),
                "internalParameters": {
                    "sandbox": "bubblewrap",
                    "execution": "local",
                    "remoteCache": False,
                },
                "resolvedDependencies": [{"name": "workspace", "digest": {"gitCommit": "1" * 40}}],
            },
            "runDetails": {"builder": {"id": builder, "version": {"unibuild": "0.1.0"}}},
        },
    }


def signed(value: dict[str, Any], *pairs: Pair) -> dict[str, Any]:
    """Return the envelope of a statement with a signature of each pair."""
    sealed = envelope.of_statement(value, "test")
    for one in pairs:
        sealed = sealed.signed_by(one.signer)
    return sealed.document()


def write(path: Path, value: object) -> Path:
    """Write JSON to a file, which is returned."""
    path.write_bytes(strict_json.render(value))
    return path


def bench(
    folder: Path, *provenances: dict[str, Any], image: bytes = IMAGE, **asked: Any
) -> FileBench:
    """Return the bench of an image file in ``folder``, with provenances written beside it."""
    file = folder / "image.elf"
    file.write_bytes(image)
    paths = tuple(
        write(folder / f"{number}.json", value) for number, value in enumerate(provenances)
    )
    return FileBench(
        label="image.elf",
        image=ImageFiles(file, folder / "image.symbols", folder / "image.manifest.json"),
        cache_root=folder / "cache",
        jobs=1,
        sandbox="required",
        scratch=folder / "scratch",
        kept=folder / "kept",
        rebuild_command=(),
        options=Options(**{"provenances": paths, **asked}),
        progress=Quiet(),
    )


def text_of(value: object) -> str:
    """Return compact JSON."""
    return json.dumps(value)
