"""A gRPC server without any service, in a process of its own: ``bare_server.py PORT [CERTIFICATE KEY]``.

It stands for whatever else may listen where a cache should: every call is UNIMPLEMENTED.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc


def main(port: str, *files: str) -> None:
    server = grpc.server(ThreadPoolExecutor(2))
    if files:
        certificate, key = (Path(name).read_bytes() for name in files)
        server.add_secure_port(
            f"127.0.0.1:{port}", grpc.ssl_server_credentials([(key, certificate)])
        )
    else:
        server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main(*sys.argv[1:])
