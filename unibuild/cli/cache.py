"""Look after the local cache, and exchange with the team's.

    unibuild cache info                          what is in it
    unibuild cache gc --max-size 10G             shrink it, what was used last stays
    unibuild cache gc --max-age 30d              drop what was not used for so long
    unibuild cache verify                        compare every entry with its digest
    unibuild cache push //...                    build, and publish all of it in the remote cache
    unibuild cache push //... --to s3://bucket   the same into a bucket, to be read by others
    unibuild cache pull //...                    take what the remote cache has; run nothing
    unibuild cache key                           print the public key that our results are signed with

'gc' never takes what a running build uses. 'verify' drops what is corrupt (--dry-run: only names
it) and then exits with 4; the next build makes it again. 'push' publishes results that were cached
here too. 'pull' exits with 4 when something is in no cache, and names it.
"""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING

from unibuild.cli import exchange, options
from unibuild.cli.terminal import size_text, table
from unibuild.cli.workspace import Composition
from unibuild.model.counting import plural
from unibuild.model.errors import DifferenceError, UserError

if TYPE_CHECKING:
    import argparse

    from unibuild.cli.terminal import Terminal

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", re.IGNORECASE)
_SIZE_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_AGE = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")
_AGE_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare what to do with the cache."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    info = actions.add_parser("info", help="count entries and bytes")
    options.add_json(info)
    collect = actions.add_parser("gc", help="delete what was not used for longest")
    collect.add_argument(
        "--max-size", metavar="SIZE", help="such as 10G; default: WORKSPACE.toml's"
    )
    collect.add_argument("--max-age", metavar="AGE", help="such as 12h, 30d, 8w")
    options.add_json(collect)
    verify = actions.add_parser("verify", help="compare every entry with its digest")
    verify.add_argument("--dry-run", action="store_true", help="name corrupt entries, drop none")
    options.add_json(verify)
    exchange.configure(actions)


def execute(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Do what the action says."""
    if arguments.action == "key":
        return exchange.key(arguments, terminal)
    composition = Composition.here(terminal)
    actions = {
        "info": _info,
        "gc": _collect,
        "verify": _verify,
        "push": exchange.push,
        "pull": exchange.pull,
    }
    return actions[arguments.action](arguments, composition)


def parse_size(text: str) -> int:
    """Return a size in bytes from ``512``, ``10K``, ``1.5G`` or ``2GiB`` (units of 1024)."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise UserError(
            id="bad-size", cause=f"{text!r} is no size", hint="a number with K, M, G or T: 10G"
        )
    return int(float(match[1]) * _SIZE_UNITS[match[2].upper()])


def parse_age(text: str) -> float:
    """Return an age in seconds from ``90s``, ``12h``, ``30d`` or ``8w``."""
    match = _AGE.fullmatch(text.strip())
    if match is None:
        raise UserError(
            id="bad-age", cause=f"{text!r} is no age", hint="a number with s, m, h, d or w: 30d"
        )
    return float(match[1]) * _AGE_UNITS[match[2]]


def _info(arguments: argparse.Namespace, composition: Composition) -> int:
    from unibuild.store.gc import info

    terminal = composition.terminal
    root = str(composition.cache_root)
    usages = info(root)
    if arguments.json:
        kinds = [usage._asdict() for usage in usages]
        terminal.data(json.dumps({"path": root, "kinds": kinds}))
        return 0
    terminal.data(f"{root}: {size_text(sum(usage.size for usage in usages))}")
    rows = [
        (
            usage.function,
            usage.kind,
            f"{usage.entries:,}",
            size_text(usage.size),
            _age(usage.oldest),
        )
        for usage in usages
    ]
    for line in table(rows, ("DIGEST", "KIND", "ENTRIES", "SIZE", "LEAST USED")):
        terminal.data(line)
    return 0


def _age(moment: float) -> str:
    days = (time.time() - moment) / _AGE_UNITS["d"]
    return f"{days:.0f} days ago" if moment and days >= 1 else "today" if moment else "-"


def _collect(arguments: argparse.Namespace, composition: Composition) -> int:
    from unibuild.store.gc import collect

    limit = arguments.max_size or composition.workspace.settings.cache.max_size
    if not limit and not arguments.max_age:
        raise UserError(
            id="bad-usage",
            cause="gc needs a limit",
            hint="--max-size 10G, --max-age 30d, or max_size under [cache] in WORKSPACE.toml",
        )
    collected = collect(
        str(composition.cache_root),
        max_size=parse_size(limit) if limit else None,
        max_age=parse_age(arguments.max_age) if arguments.max_age else None,
    )
    if arguments.json:
        composition.terminal.data(json.dumps(collected._asdict()))
        return 0
    composition.terminal.note(
        f"deleted {plural(collected.removed, 'entry', 'entries')}, {size_text(collected.removed_size)}; "
        f"{size_text(collected.kept_size)} left"
    )
    return 0


def _verify(arguments: argparse.Namespace, composition: Composition) -> int:
    from unibuild.store.gc import verify

    problems = verify(str(composition.cache_root), repair=not arguments.dry_run)
    if arguments.json:
        composition.terminal.data(json.dumps([problem._asdict() for problem in problems]))
    if not problems:
        composition.terminal.note("every entry matches its digest")
        return 0
    raise DifferenceError(
        id="corrupt-cache",
        cause=plural(len(problems), "corrupt cache entry", "corrupt cache entries")
        + (" found" if arguments.dry_run else " found and dropped"),
        hint="the next build makes again what it needs; the disk may be failing",
        detail=tuple(f"{problem.kind} {problem.name}" for problem in problems),
    )
