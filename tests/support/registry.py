"""A registry on the loopback interface, with the faults that registries have."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Registry:
    """``pages`` by path; ``break_after`` bytes the connection is cut, ``fail`` times it says 503."""

    pages: dict[str, bytes] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    break_after: list[int] = field(default_factory=list)
    fail: int = 0
    ranges: bool = True
    gate: threading.Event | None = None
    url: str = ""


@contextmanager
def serve(registry: Registry) -> Iterator[Registry]:
    """Serve a registry on a free port while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            registry.requests.append((self.path, self.headers.get("Range", "")))
            if registry.gate:
                registry.gate.wait(10)
            body = registry.pages.get(self.path)
            if registry.fail:
                registry.fail -= 1
                self.send_error(503)
                return
            if body is None:
                self.send_error(404)
                return
            start = 0
            if registry.ranges and (wanted := self.headers.get("Range")):
                start = int(wanted.removeprefix("bytes=").removesuffix("-"))
                self.send_response(206)
            else:
                self.send_response(200)
            body = body[start:]
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Type", registry.types.get(self.path, "text/html"))
            self.end_headers()
            if registry.break_after:
                body = body[: registry.break_after.pop(0)]
                self.close_connection = True
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    registry.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
