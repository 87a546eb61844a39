"""Fetch every package that the lock files name, so that all later verbs need no network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unibuild.cli.progress import progress
from unibuild.cli.workspace import Composition
from unibuild.model.counting import plural

if TYPE_CHECKING:
    import argparse

    from unibuild.cli.terminal import Terminal


def configure(_parser: argparse.ArgumentParser) -> None:
    """Take no arguments."""


def execute(_arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Fetch what the cache lacks."""
    composition = Composition.here(terminal)
    display = progress(terminal)
    try:
        with composition.fetcher(display) as fetcher:
            fetched = fetcher.everything()
            total = sum(len(files) for files in fetcher.lock.packages.values())
    finally:
        display.close()
    terminal.note(f"fetched {plural(fetched, 'file')}, {total - fetched} were there already")
    return 0
