"""Test functions that are coroutines, each run in a process of its own (``support.apart``).

Servers and fixtures live in pytest's process; gRPC is imported only in the test's.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable, Coroutine
from typing import Any

from support import apart as process

SECONDS = 60


def apart(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Make a test function of a coroutine function; its arguments are fixtures as ever."""

    @functools.wraps(test)
    def run(*arguments: Any, **named: Any) -> None:
        async def limited() -> None:
            async with asyncio.timeout(SECONDS):
                await test(*arguments, **named)

        process.apart(limited)

    run.__signature__ = inspect.signature(test)  # type: ignore[attr-defined]
    return run
