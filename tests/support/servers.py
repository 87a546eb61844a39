"""Real cache servers on the loopback interface, each for as long as a ``with`` block runs.

    with servers.casd(folder, execution=True) as server:
        server.url    # grpc://127.0.0.1:PORT, for [cache.remote] url
        server.kill() # as a crash would; server.start() brings it back on the same port

``folder`` holds its storage, configuration and ``server.log``; entered twice, the second server has
what the first one stored. casd has to be there; the others skip the test where they cannot be had.
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from support import certificates, installing, processes

ROOT = Path(__file__).resolve().parents[2]
DAY = 24 * 3600
TOKEN_SECONDS = DAY


@dataclass
class Server:
    """A running server.

    ``environment`` is what a client needs in its own; ``ca``, ``certificate`` and ``key`` are PEM
    files of a server with TLS; ``http`` is the address of its HTTP side, where it has one.
    """

    name: str
    folder: Path
    process: processes.Process
    scheme: str = "grpc"
    http: str = ""
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    token: str = ""
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The address, as [cache.remote] url takes it."""
        return f"{self.scheme}://{self.address}"

    @property
    def address(self) -> str:
        """HOST:PORT. With TLS the host is a name, since certificates are for names."""
        host = "localhost" if self.scheme == "grpcs" else "127.0.0.1"
        return f"{host}:{self.process.port}"

    @property
    def port(self) -> int:
        """The port; the same after a restart."""
        return self.process.port

    @property
    def pid(self) -> int:
        """The process id of the server itself."""
        return self.process.pid

    @property
    def log(self) -> str:
        """The end of what it logged."""
        return self.process.tail()

    def start(self) -> None:
        """Start it again after ``kill`` or ``stop``."""
        self.process.start()

    def stop(self) -> None:
        """End it in an orderly way."""
        self.process.stop()

    def kill(self) -> None:
        """End it as a crash would."""
        self.process.kill()

    def restart(self) -> None:
        """Stop it and start it again."""
        self.process.restart()


def _installed(name: str) -> Path:
    try:
        return installing.ensure(name) if name == "casd" else installing.find(name)
    except installing.UnavailableError as error:
        if name == "casd":
            raise
        pytest.skip(str(error))


@contextmanager
def _running(server: Server) -> Iterator[Server]:
    server.folder.mkdir(parents=True, exist_ok=True)
    try:
        server.process.start()
        yield server
    except BaseException:
        sys.stderr.write(f"--- {server.name} logged:\n{server.log}\n")
        raise
    finally:
        server.stop()


def _process(
    folder: Path,
    command: Callable[[int], Sequence[str | Path]],
    ready: Callable[[int], bool] = processes.answers_grpc,
    environment: dict[str, str] | None = None,
) -> processes.Process:
    folder.mkdir(parents=True, exist_ok=True)
    return processes.Process(command, ready, folder / "server.log", environment)


@contextmanager
def casd(
    folder: Path,
    *,
    execution: bool = False,
    jobs: int = 2,
    quota: str = "2G",
    options: Sequence[str] = (),
) -> Iterator[Server]:
    """buildbox-casd: CAS, ActionCache, Remote Asset and, if asked for, Execution; SHA-256."""
    binaries = _installed("casd") / "bin"
    extra: list[str] = []
    if execution:
        extra = [
            f"--jobs={jobs}",
            "--cache-failures=false",
            f"--buildbox-run={binaries / 'buildbox-run'}",
            *(
                f"--runner-arg=--ro-bind-mount={source}:{target}"
                for source, target in host_mounts()
            ),
        ]
    process = _process(
        folder,
        lambda port: [
            binaries / "buildbox-casd",
            f"--bind=127.0.0.1:{port}",
            f"--quota-high={quota}",
            *extra,
            *options,
            folder / "store",
        ],
        environment={"PATH": f"{binaries}:{os.environ.get('PATH', os.defpath)}"},
    )
    try:
        with _running(Server("casd", folder, process)) as server:
            yield server
    finally:
        _unmount(folder)


def _unmount(folder: Path) -> None:
    """Remove the mounts that workers leave behind when their server is killed."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        place = line.split()[1]
        if place.startswith(f"{folder}/"):
            command = ["umount", "--lazy"] if os.geteuid() == 0 else ["fusermount3", "-u", "-z"]
            subprocess.run([*command, place], check=True)


def host_mounts() -> Iterator[tuple[str, str]]:
    """Yield what an action of casd's workers sees of the host: /usr and the links into it."""
    yield "/usr", "/usr"
    for name in ("bin", "lib", "lib64"):
        if Path(f"/{name}").exists():
            yield str(Path(f"/{name}").resolve()), f"/{name}"


@contextmanager
def buildgrid(
    folder: Path, *, tls: bool = False, mutual: bool = False, tokens: bool = False
) -> Iterator[Server]:
    """BuildGrid: CAS and ActionCache; SHA-256; with TLS, client certificates and JWT as asked.

    With ``tokens`` the subject ``ci`` may do everything and any other only read; ``server.token`` is
    one of ``ci``, ``token_for`` makes others.
    """
    python = _installed("buildgrid") / "venv" / "bin" / "python3"
    folder.mkdir(parents=True, exist_ok=True)
    files = certificates.make(folder / "tls") if tls or mutual else None
    start = "import sys; sys.argv[0] = 'bgd'; from buildgrid.server.app import cli; cli()"

    def command(port: int) -> list[str | Path]:
        config = folder / "buildgrid.yml"
        config.write_text(_buildgrid_configuration(folder, port, files, mutual=mutual, jwt=tokens))
        return [python, "-Ic", start, "server", "start", config]

    process = _process(folder, command, _ready(files, mutual=mutual))
    server = Server("buildgrid", folder, process)
    _secure(server, files, mutual=mutual)
    if tokens:
        server.token = token_for(folder, "ci")
    with _running(server):
        yield server


def _ready(files: certificates.Files | None, *, mutual: bool = False) -> Callable[[int], bool]:
    if files is None:
        return processes.answers_grpc
    pair = (files.client, files.client_key) if mutual else (None, None)
    context = processes.client_context(files.ca, *pair)
    return lambda port: processes.answers_grpc(port, context)


def _secure(server: Server, files: certificates.Files | None, *, mutual: bool) -> None:
    if files:
        server.scheme, server.ca = "grpcs", files.ca
        if mutual:
            server.certificate, server.key = files.client, files.client_key


def _buildgrid_configuration(
    folder: Path, port: int, files: certificates.Files | None, *, mutual: bool, jwt: bool
) -> str:
    channel = f"  - !channel\n    address: 127.0.0.1:{port}\n    insecure-mode: {not files}\n"
    if files:
        channel += (
            "    credentials:\n"
            f"      tls-server-key: {files.server_key}\n"
            f"      tls-server-cert: {files.server}\n"
        )
        if mutual:
            channel += f"      tls-client-certs: {files.ca}\n"
    authorization = ""
    if jwt:
        rights = folder / "rights.yml"
        reading = (
            "[GetCapabilities, FindMissingBlobs, BatchReadBlobs, GetTree, Read, GetActionResult]"
        )
        rights.write_text(f"'':\n  allow:\n  - subject: ci\n  - requests: {reading}\n")
        authorization = (
            "authorization:\n  method: jwt\n  algorithm: hs256\n"
            f"  secret: {_secret(folder)}\n  acl-config: {rights}\n"
        )
    return f"""server:
{channel}{authorization}storages:
  - !disk-storage &storage
    path: {folder / "store"}
caches:
  - !lru-action-cache &results
    storage: *storage
    max-cached-refs: 100000
    allow-updates: true
    cache-failed-actions: false
instances:
  - name: ''
    services:
      - !action-cache
        cache: *results
      - !cas
        storage: *storage
      - !bytestream
        storage: *storage
"""


def _secret(folder: Path) -> Path:
    path = folder / "secret"
    if not path.exists():
        path.write_text(os.urandom(32).hex())
        path.chmod(0o600)
    return path


def token_for(folder: Path, subject: str, seconds: float = TOKEN_SECONDS) -> str:
    """Return a JSON web token for the BuildGrid server in ``folder``, as an administrator makes it.

    ``seconds`` below 0: one that has expired.
    """
    program = ROOT / "cache" / "buildgrid" / "make-token"
    words = [sys.executable, program, _secret(folder), subject, str(seconds / DAY)]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


@contextmanager
def bazel_remote(
    folder: Path,
    *,
    tls: bool = False,
    mutual: bool = False,
    password: str = "",
    options: Sequence[str] = (),
) -> Iterator[Server]:
    """bazel-remote: CAS and ActionCache with zstd, and the same over HTTP; SHA-256.

    ``password`` is that of the user ``ci``; without it everybody may read and nobody write.
    """
    binary = _installed("bazel-remote") / "bin" / "bazel-remote"
    folder.mkdir(parents=True, exist_ok=True)
    files = certificates.make(folder / "tls") if tls or mutual else None
    extra: list[str] = []
    if files:
        extra += [f"--tls_cert_file={files.server}", f"--tls_key_file={files.server_key}"]
    if files and mutual:
        extra += [f"--tls_ca_file={files.ca}"]
    if password:
        hashed = hashlib.sha1(password.encode(), usedforsecurity=False)  # htpasswd's simplest form
        digest = base64.b64encode(hashed.digest()).decode()
        (folder / "htpasswd").write_text(f"ci:{{SHA}}{digest}\n")
        extra += [f"--htpasswd_file={folder / 'htpasswd'}", "--allow_unauthenticated_reads"]
    http = processes.free_port()
    process = _process(
        folder,
        lambda port: [
            binary,
            f"--dir={folder / 'store'}",
            "--max_size=2",
            f"--grpc_address=127.0.0.1:{port}",
            f"--http_address=127.0.0.1:{http}",
            "--experimental_remote_asset_api",
            *extra,
            *options,
        ],
        _ready(files, mutual=mutual),
    )
    server = Server("bazel-remote", folder, process, token=password)
    server.http = f"{'https' if files else 'http'}://127.0.0.1:{http}"
    _secure(server, files, mutual=mutual)
    with _running(server):
        yield server


@dataclass
class Bucket(Server):
    """An S3 server with one bucket; ``environment`` holds the keys under AWS's names."""

    bucket: str = "unibuild"
    access_key: str = "tester"
    secret_key: str = "tester-secret"  # noqa: S105 -- of a server that lives for one test


@contextmanager
def s3(folder: Path, bucket: str = "unibuild") -> Iterator[Bucket]:
    """A real S3 server over a folder: objects of the bucket are files in ``server.folder/data``."""
    binary = _installed("bucket") / "bin" / "versitygw"
    data = folder / "data"
    (data / bucket).mkdir(parents=True, exist_ok=True)
    keys = {"ROOT_ACCESS_KEY": Bucket.access_key, "ROOT_SECRET_KEY": Bucket.secret_key}
    process = _process(
        folder,
        lambda port: [
            binary,
            f"--port=127.0.0.1:{port}",
            "posix",
            "--sidecar",
            folder / "meta",
            data,
        ],
        processes.accepts,
        keys,
    )
    (folder / "meta").mkdir(exist_ok=True)
    server = Bucket("s3", folder, process, scheme="http", bucket=bucket)
    server.environment = {
        "AWS_ACCESS_KEY_ID": server.access_key,
        "AWS_SECRET_ACCESS_KEY": server.secret_key,
        "AWS_REGION": "us-east-1",
        "AWS_ALLOW_HTTP": "true",
    }
    with _running(server):
        server.environment["AWS_ENDPOINT"] = server.url
        yield server


@contextmanager
def reference(
    folder: Path, *, digest: str = "blake3", zstd: bool = True, options: Sequence[str] = ()
) -> Iterator[Server]:
    """The conformance suite's own server, for what the packaged ones lack: BLAKE3 and zstd."""
    process = _process(
        folder,
        lambda port: [
            sys.executable,
            "-m",
            "cache.conformance.reference_server",
            f"--listen=127.0.0.1:{port}",
            f"--digest={digest}",
            *(["--zstd"] if zstd else []),
            *options,
            folder / "store",
        ],
        environment={"PYTHONPATH": str(ROOT)},
    )
    with _running(Server("reference", folder, process)) as server:
        yield server


def have_bubblewrap() -> bool:
    """Tell whether casd's workers can sandbox actions here."""
    return shutil.which("bwrap") is not None


def wait_until(condition: Callable[[], bool], seconds: float = 10) -> bool:
    """Wait for something that another process does."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
