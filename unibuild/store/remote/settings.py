"""What a build is told about remote servers: plain data, made from WORKSPACE.toml and options.

Secrets are never in here: a token is named by the environment variable or the credential helper that
gives it, and is read by the courier when it connects.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Download = Literal["all", "toplevel", "minimal"]
"""What is brought here of results found remotely: every output, those asked for, or none."""

Where = Literal["local", "remote", "auto"]
"""Where actions run: here, on the remote engine's workers, or both at once and the first wins."""

Pairs = tuple[tuple[str, str], ...]

SCHEMES = ("grpc", "grpcs", "unix", "http", "https", "s3", "file")
"""``grpc``, ``grpcs`` and ``unix`` speak the Remote Execution API; the others are read-only folders."""


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach one server.

    ``url`` has one of ``SCHEMES``; ``instance`` is REAPI's instance name. ``headers`` are sent with
    every call. The bearer token is the value of the environment variable ``token_variable``, or what
    the program ``credential_helper`` (absolute path or name on PATH) answers. ``ca``, ``certificate``
    and ``key`` are absolute paths of PEM files: the authorities to believe instead of the system's,
    and the client's own certificate. ``timeout`` is the longest a single call may take, in seconds.
    ``setting`` is the table of WORKSPACE.toml that an error names: ``cache.remote``.
    """

    url: str
    instance: str = ""
    headers: Pairs = ()
    token_variable: str = ""
    credential_helper: str = ""
    ca: str = ""
    certificate: str = ""
    key: str = ""
    timeout: int = 60
    setting: str = "cache.remote"

    @property
    def scheme(self) -> str:
        """The part of the URL before ``:``."""
        return self.url.partition(":")[0]

    @property
    def is_bucket(self) -> bool:
        """Whether it is a folder behind a URL rather than a server of the Remote Execution API."""
        return self.scheme not in ("grpc", "grpcs", "unix")


@dataclass(frozen=True, slots=True)
class Remote:
    """All that a courier needs to know.

    ``cache`` holds results and blobs, ``execution`` runs actions (its blobs are those of ``cache``
    when both have the same URL, else it has a store of its own). ``upload`` allows publishing.
    ``required`` turns every warning about the server into an error. ``require_signed`` are the public
    keys (``ed25519:BASE64``) of which one must have signed a result; none: any result will do.
    ``signing_key`` is the absolute path of the private key that signs ours, "" for the user's own.
    ``compress`` allows zstd where the server has it. ``jobs`` is how many actions may be on the remote
    workers at once, ``priority`` REAPI's (lower runs first).
    """

    cache: Connection | None = None
    execution: Connection | None = None
    upload: bool = False
    required: bool = False
    require_signed: tuple[str, ...] = ()
    signing_key: str = ""
    compress: bool = True
    jobs: int = 16
    priority: int = 0
