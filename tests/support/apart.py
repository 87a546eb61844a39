"""Coroutines in a process of their own.

What grpc and obstore start in a process (threads, event engines) does not survive a fork: a test that
uses them would harm every later test in the same process that forks a courier.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import traceback
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


def apart(work: Callable[[], Awaitable[T]]) -> T:
    """Return what ``work`` returns, or raise what it raises, having run it in a forked process."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        status = 1
        try:
            os.close(reading)
            with os.fdopen(writing, "wb") as pipe:
                pipe.write(pickle.dumps(_outcome(work)))
            status = 0
        except BaseException:  # noqa: BLE001 - this process must end here, whatever happens
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        data = pipe.read()
    _, status = os.waitpid(child, 0)
    assert status == 0, "the process ended early"
    value, raised = pickle.loads(data)  # noqa: S301 - our own child wrote it
    if raised is None:
        return value
    kind, arguments, state, trace = raised
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(state)
    for name, content in trace[1].items():
        setattr(error, name, content)
    error.add_note(trace[0])
    raise error


def _outcome(work: Callable[[], Awaitable[T]]) -> tuple[object, object]:
    async def main() -> T:
        return await work()

    try:
        return asyncio.run(main()), None
    except BaseException as error:  # noqa: BLE001 - whatever it is, the caller gets it
        slots = getattr(type(error), "__slots__", ())
        fields = {name: getattr(error, name) for name in slots if hasattr(error, name)}
        text = "".join(traceback.format_exception(error))
        return None, (type(error), error.args, error.__dict__, (text, fields))
