"""The suite as a program of its own, for a server that no workspace names yet."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from unibuild.model.errors import UnibuildError
from unibuild.store.remote.settings import Connection, Remote

from . import Verdict, document, line, run, summary

FAILED = 4
"""The exit status when a check fails; 2 is a mistake on the command line."""


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(
        prog="conformance",
        description="Examine a cache server of the Remote Execution API.",
        epilog="Random blobs of some 50 MB stay on the server until its quota removes them.",
    )
    parser.add_argument("url", help="grpc://HOST:PORT, grpcs://HOST:PORT or unix:PATH")
    parser.add_argument("--execution", default="", metavar="URL", help="of another server")
    parser.add_argument("--instance", default="", help="instance name")
    parser.add_argument("--digest", default="sha256", choices=["blake3", "sha256"])
    parser.add_argument("--header", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--token-variable", default="", metavar="NAME", help="of the environment")
    parser.add_argument("--credential-helper", default="", metavar="PROGRAM")
    parser.add_argument("--ca", default="", metavar="PEM", help="authorities to believe")
    parser.add_argument("--certificate", default="", metavar="PEM", help="the client's own")
    parser.add_argument("--key", default="", metavar="PEM", help="its private key")
    parser.add_argument("--timeout", type=int, default=60, metavar="SECONDS")
    parser.add_argument("--json", action="store_true", help="one JSON document at the end")
    return parser.parse_args(words)


def main() -> int:
    """Run the suite as the command line says."""
    options = arguments()
    files = {
        name: str(Path(value).absolute()) if value else ""
        for name, value in vars(options).items()
        if name in {"ca", "certificate", "key"}
    }
    connection = Connection(
        url=options.url,
        instance=options.instance,
        headers=tuple(tuple(header.partition("=")[::2]) for header in options.header),
        token_variable=options.token_variable,
        credential_helper=options.credential_helper,
        timeout=options.timeout,
        **files,
    )
    execution = replace(connection, url=options.execution) if options.execution else None
    remote = Remote(cache=connection, execution=execution, upload=True)

    def show(verdict: Verdict) -> None:
        if not options.json:
            print(line(verdict), flush=True)

    try:
        verdicts = run(remote, options.digest, show)
    except UnibuildError as error:
        print(f"error: {error.cause}\n  hint: {error.hint}", file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps(document(options.url, options.digest, verdicts), indent=2))
    else:
        print(summary(verdicts))
    return FAILED if any(verdict.outcome == "fails" for verdict in verdicts) else 0


if __name__ == "__main__":
    sys.exit(main())
