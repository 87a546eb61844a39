"""Sign a statement: a provenance, or a verification summary.

    unibuild sign image.provenance.json                       with the key of 'unibuild cache key'
    unibuild sign image.provenance.json --key release.pem
    unibuild sign image.provenance.json --key-variable SIGNING_KEY     the variable's name, for CI
    unibuild sign image.provenance.json.dsse.json --key mine.pem       add a signature to an envelope

What is signed is the statement, never the image, so that others can add their signatures. It is written
as a DSSE envelope beside the statement (FILE.dsse.json). Keys are Ed25519 in PEM form. --keyless asks
sigstore instead and writes its bundle; it needs unibuild[sigstore], a network and an identity.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from unibuild.model.counting import plural
from unibuild.model.errors import UserError
from unibuild.store.named_files import replace_file

if TYPE_CHECKING:
    import argparse

    from securesystemslib.signer import CryptoSigner

    from unibuild.cli.terminal import Terminal
    from unibuild.verify.attestation.envelope import Envelope

ENVELOPE, BUNDLE = ".dsse.json", ".sigstore.json"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the file and the key."""
    parser.add_argument("file", metavar="FILE", help="a statement, or an envelope to sign as well")
    key = parser.add_mutually_exclusive_group()
    key.add_argument(
        "--key", default="", metavar="FILE",
        help="the private key (default: that of 'unibuild cache key')",
    )  # fmt: skip
    key.add_argument(
        "--key-variable", default="", metavar="NAME", help="the environment variable that holds it"
    )
    key.add_argument("--keyless", action="store_true", help="sign by an identity, with sigstore")
    parser.add_argument(
        "-o", "--output", default="", metavar="FILE", help="where to write the envelope"
    )
    parser.add_argument(
        "--replace", action="store_true",
        help="replace an envelope of another statement, and lose its signatures",
    )  # fmt: skip


def execute(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Sign, and write the envelope."""
    from unibuild.verify.attestation import keys, strict_json

    path = Path(arguments.file)
    envelope, signed = _opened(path)
    statement = envelope.statement()
    if arguments.keyless:
        return _keyless(arguments, path, envelope, terminal)
    signer = _signer(arguments)
    written = Path(arguments.output) if arguments.output else _beside(path, signed=signed)
    if written.resolve() != path.resolve():
        envelope = _joined(envelope, written, replace=arguments.replace)
    envelope = envelope.signed_by(signer)
    replace_file(written.absolute(), strict_json.render(envelope.document()))
    terminal.note(
        f"wrote {written}: {strict_json.printable(statement.predicate_type)} of "
        f"{strict_json.printable(statement.subject[0].name) or 'an artefact'}, "
        f"{plural(len(envelope.signatures), 'signature')}"
    )
    terminal.data(keys.name_of(signer.public_key))
    return 0


def _opened(path: Path) -> tuple[Envelope, bool]:
    """Return the envelope in a file, or one around the statement in it; and whether it was one."""
    from unibuild.verify.attestation import envelope, strict_json

    value = strict_json.parse(strict_json.read_bytes(path), str(path))
    found = envelope.parse(value, str(path))
    return (found, True) if found else (envelope.of_statement(value, str(path)), False)


def _joined(envelope: Envelope, written: Path, *, replace: bool) -> Envelope:
    """Return the envelope that is already where ours goes, so that its signatures stay."""
    if replace or not written.exists():
        return envelope
    there, _ = _opened(written)
    if (there.payload, there.payload_type) == (envelope.payload, envelope.payload_type):
        return there
    raise UserError(
        id="other-statement",
        cause=f"{written} holds another statement, whose signatures would be lost",
        hint="--replace writes it anew; -o FILE writes another file",
    )


def _beside(path: Path, *, signed: bool) -> Path:
    return path if signed else path.with_name(path.name + ENVELOPE)


def _signer(arguments: argparse.Namespace) -> CryptoSigner:
    from unibuild.verify.attestation import keys

    if arguments.key:
        return keys.signer_of_file(Path(arguments.key))
    if arguments.key_variable:
        return keys.signer_of_variable(arguments.key_variable)
    return keys.own_signer(configured=_configured_key())


def _configured_key() -> str:
    """Return the path of the workspace's own ``signing_key``, or an empty string."""
    from unibuild.cli.remote import plain_settings, signing_key
    from unibuild.loading.workspace import find_workspace, read_workspace

    try:
        root = find_workspace(Path.cwd())
    except UserError:
        return ""
    return signing_key(plain_settings(read_workspace(root)), str(root))


def _keyless(
    arguments: argparse.Namespace, path: Path, envelope: Envelope, terminal: Terminal
) -> int:
    from unibuild.verify.attestation import keyless

    written = Path(arguments.output) if arguments.output else path.with_name(path.name + BUNDLE)
    replace_file(written.absolute(), keyless.bundle(envelope.payload).encode())
    terminal.note(f"wrote {written}")
    return 0
