"""Tests that speak gRPC run in a process of their own.

gRPC does not survive a fork: a process that has used it must not fork a courier afterwards, and
pytest's process runs tests of both kinds. So the body of such a test, a coroutine, runs in a child;
servers and fixtures live in the parent.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import os
import traceback
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

import pytest

SECONDS = 60


def apart(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Make a test function of a coroutine function; its arguments are fixtures as ever."""

    @functools.wraps(test)
    def run(*arguments: Any, **named: Any) -> None:
        run_apart(functools.partial(test, *arguments, **named))

    run.__signature__ = inspect.signature(test)  # type: ignore[attr-defined]
    return run


def run_apart(body: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run ``body`` in a child; its failure is ours, with its traceback."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        _run(body, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read().decode()
    _, status = os.waitpid(child, 0)
    if status:
        pytest.fail(said or f"the child ended with status {status}", pytrace=False)


def _run(body: Callable[[], Coroutine[Any, Any, None]], writing: int) -> NoReturn:
    status = 1
    try:
        asyncio.run(_limited(body))
        status = 0
    except BaseException:  # noqa: BLE001 - the parent reports whatever it was
        os.write(writing, traceback.format_exc().encode()[-50_000:])
    finally:
        os._exit(status)


async def _limited(body: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async with asyncio.timeout(SECONDS):
        await body()
