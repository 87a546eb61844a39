"""An authority of its own, and certificates by it for a server on this machine and one client."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Files:
    """PEM files: the authority's certificate, and certificate and key of server and client."""

    ca: Path
    server: Path
    server_key: Path
    client: Path
    client_key: Path


def make(folder: Path, *, expired: bool = False, early: bool = False) -> Files:
    """Write the files below ``folder``; those that are there already stay.

    They are valid now, or until yesterday (``expired``), or from tomorrow on (``early``).
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    files = Files(*(folder / f"{name}.pem" for name in Files.__annotations__))
    if files.client_key.exists():
        return files
    folder.mkdir(parents=True, exist_ok=True)
    now = dt.datetime.now(dt.UTC)
    end = now - DAY if expired else now + 30 * DAY

    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    def certify(subject: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name("unibuild test authority"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + DAY if early else now - 30 * DAY)
            .not_valid_after(end)
        )

    def write(path: Path, certificate: x509.Certificate) -> None:
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    authority = ec.generate_private_key(ec.SECP256R1())
    root = certify("unibuild test authority", authority).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    write(files.ca, root.sign(authority, hashes.SHA256()))
    names = x509.SubjectAlternativeName(
        [x509.DNSName("localhost"), x509.IPAddress(IPv4Address("127.0.0.1"))]
    )
    for certificate, private in (
        (files.server, files.server_key),
        (files.client, files.client_key),
    ):
        key = ec.generate_private_key(ec.SECP256R1())
        built = certify(certificate.stem, key).add_extension(names, critical=False)
        write(certificate, built.sign(authority, hashes.SHA256()))
        private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        private.chmod(0o600)
    return files
