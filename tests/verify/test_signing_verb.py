"""Bad input at the command line: one error each, the right exit code, and never "verified"."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.attesting import CI, IMAGE, Pair, bench, pair, provenance, signed, write
from support.command import unibuild


@dataclass(frozen=True)
class Release:
    """An image with its signed provenance ``0.json``, a trust file and a policy, all good."""

    folder: Path
    key: Pair
    other: Pair

    def verify(self, *options: str) -> tuple[int, str, str]:
        done = unibuild(
            "verify", "image.elf", "--provenance", "0.json", "--only", "signed,policy",
            "--signed-by", "trust.toml", "--policy", "policy.toml", "--json", *options,
            cwd=self.folder,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr


@pytest.fixture
def release(tmp_path: Path) -> Release:
    one = Release(tmp_path, pair(tmp_path, "one"), pair(tmp_path, "two"))
    bench(tmp_path, signed(provenance(), one.key))
    (tmp_path / "trust.toml").write_text(f'[[key]]\nkey = "{one.key.text}"\n')
    (tmp_path / "policy.toml").write_text(f'builders = ["{CI}"]\n')
    return one


def test_what_is_good_is_verified(release: Release) -> None:
    status, report, said = release.verify()
    assert status == 0, said
    assert json.loads(report)["verdict"] == "passed"
    assert "verified: image.elf" in said


def spoil(release: Release, way: str) -> None:
    """Break one thing."""
    folder, text = release.folder, (release.folder / "0.json").read_bytes()
    trusted = f'[[key]]\nkey = "{release.key.text}"\n'
    files = {
        "tampered image": ("image.elf", IMAGE + b"!"),
        "empty image": ("image.elf", b""),
        "truncated provenance": ("0.json", text[: len(text) // 2]),
        "empty provenance": ("0.json", b""),
        "deep nesting": ("0.json", b"[" * 1_000_000),
        "duplicate names": ("0.json", text.replace(b"{", b'{"payload": "", ', 1)),
        "invalid UTF-8": ("0.json", b"\xff" + text),
        "not a number": ("0.json", b'{"payload": NaN}'),
        "another payload type": ("0.json", text.replace(b"vnd.in-toto+json", b"json")),
        "garbage in base64": ("0.json", text.replace(b'"payload": "', b'"payload": "%')),
        "expired key": ("trust.toml", f"{trusted}expires = 2020-01-01\n".encode()),
        "key of another builder": ("trust.toml", f'{trusted}builders = ["x:y"]\n'.encode()),
        "unknown key": (
            "trust.toml",
            trusted.replace(release.key.text, release.other.text).encode(),
        ),
        "truncated trust file": ("trust.toml", trusted[:30].encode()),
        "unknown field in the trust file": ("trust.toml", (trusted + "expire = 1\n").encode()),
        "truncated policy": ("policy.toml", b'builders = ["'),
        "unknown field in the policy": ("policy.toml", f'builder = ["{CI}"]\n'.encode()),
        "another builder": ("policy.toml", b'builders = ["https://else.example.com"]\n'),
    }
    if way in files:
        name, content = files[way]
        (folder / name).write_bytes(content)
        return
    statements = {
        "provenance of another image": signed(provenance(b"other"), release.key),
        "unsigned": provenance(),
        "signature of other content": {
            **signed(provenance(), release.key),
            "payload": signed(provenance(builder="x:y"))["payload"],
        },
        "no signatures": signed(provenance()),
        "one key twice": signed(provenance(), release.key),
    }
    write(folder / "0.json", statements[way])
    if way == "one key twice":
        both = f'threshold = 2\n{trusted}[[key]]\nkey = "{release.other.text}"\n'
        (folder / "trust.toml").write_text(both)
        sealed = statements[way]
        sealed["signatures"] = sealed["signatures"] * 2
        write(folder / "0.json", sealed)


WAYS = {
    "tampered image": (4, "signature-refused"),
    "empty image": (4, "signature-refused"),
    "provenance of another image": (4, "signature-refused"),
    "unsigned": (2, "signature-refused"),
    "no signatures": (2, "signature-refused"),
    "signature of other content": (2, "signature-refused"),
    "one key twice": (2, "signature-refused"),
    "unknown key": (2, "signature-refused"),
    "expired key": (2, "signature-refused"),
    "key of another builder": (2, "signature-refused"),
    "truncated provenance": (2, "bad-attestation"),
    "empty provenance": (2, "bad-attestation"),
    "deep nesting": (2, "bad-attestation"),
    "duplicate names": (2, "bad-attestation"),
    "invalid UTF-8": (2, "bad-attestation"),
    "not a number": (2, "bad-attestation"),
    "another payload type": (2, "bad-attestation"),
    "garbage in base64": (2, "bad-attestation"),
    "truncated trust file": (2, "bad-toml"),
    "unknown field in the trust file": (2, "unknown-attribute"),
    "truncated policy": (2, "bad-toml"),
    "unknown field in the policy": (2, "unknown-attribute"),
    "another builder": (2, "policy-refused"),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_is_bad_is_refused(release: Release, way: str) -> None:
    spoil(release, way)
    status, report, said = release.verify()
    exit_code, identifier = WAYS[way]
    assert status == exit_code, said
    assert f"error[{identifier}]" in said
    assert "Traceback" not in said
    assert "verified:" not in said
    assert json.loads(report)["verdict"] == "failed"
