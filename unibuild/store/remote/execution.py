"""Actions on a remote engine: ``Execute``, watched to its end whatever happens to the connection.

An engine answers with a stream of ``Operation``s whose last one is done. A stream that breaks is taken
up again by the operation's name (``WaitExecution``); when nobody knows that name any more, or the
worker was lost, the action is executed again: it is a function of its inputs, so nothing is harmed. A
stream is also ended and taken up now and then, since an engine that hangs is silent like one whose
worker computes; stages and logs are not needed and ignored.

Rules of use: nothing raises but cancellation; whatever goes wrong is an ``Executed`` that says why
there is no result, and the build runs the action elsewhere. What an engine says is judged like a
cached result (``trust``); whether it keeps the action's declaration is the build's to judge.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Protocol

from unibuild.store.digests import Digest
from unibuild.store.protobuf import MalformedMessageError, fields
from unibuild.store.reapi import decode_action_result, encode_action_result
from unibuild.store.remote import trust
from unibuild.store.remote.messages import (
    CODES,
    DIGEST_FUNCTIONS,
    PRECONDITION_FAILURE,
    Status,
    decode_violations,
    text,
)
from unibuild.store.remote.messages_execution import (
    CANCEL_OPERATION,
    EXECUTE,
    EXECUTE_RESPONSE,
    WAIT_EXECUTION,
    ExecuteRequest,
    ExecuteResponse,
    decode_execute_response,
    decode_operation,
    encode_execute,
    encode_operation_name,
)
from unibuild.store.remote.messages_results import decode_result
from unibuild.store.remote.messages_server import GET_CAPABILITIES, encode_capabilities_request
from unibuild.store.remote.patience import CallError, delay
from unibuild.store.remote.requests import Execute, Executed
from unibuild.store.remote.services import RemoteCallError

if TYPE_CHECKING:
    from collections.abc import Callable

    from unibuild.store.digests import DigestFunction
    from unibuild.store.remote.channel import Channel
    from unibuild.store.remote.messages_execution import Operation
    from unibuild.store.remote.services import BlobService

EVERYTHING: frozenset[Digest] = frozenset({Digest("", -1)})
"""As ``lost``: the engine lacks something and does not say what."""

ATTEMPTS = 3
"""How often an action is executed in all when workers are lost or the engine restarts."""

BREAKS = 5
"""So many streams that break in one execution make the engine unusable."""

QUEUE = 900
"""Seconds that an action may wait for a worker, beyond its own time-out."""

LISTENING = 60.0
"""Seconds of silence after which a stream is taken up again, if the engine answers at all."""

_CANCELLING = 5.0
_UNLIMITED = 3600  # seconds, for an action without a time-out
_PASSING = frozenset(
    {"UNAVAILABLE", "ABORTED", "INTERNAL", "UNKNOWN", "RESOURCE_EXHAUSTED", "CANCELLED"}
)
_LACKING = frozenset({"FAILED_PRECONDITION", "NOT_FOUND"})
_UNKNOWN_OPERATION = frozenset({"NOT_FOUND", "UNIMPLEMENTED", "INVALID_ARGUMENT"})
_MISSING = "MISSING"
_OUTPUT_PATHS = 7  # of a Command


class Supplier(Protocol):
    """Brings inputs to the engine's storage."""

    async def supply(
        self, request: Execute, lost: frozenset[Digest] = frozenset()
    ) -> tuple[Digest, ...]:
        """Have all blobs of ``request`` there; returns inputs that neither side has.

        ``lost`` are certainly not there, whatever was believed; ``EVERYTHING``: ask about all again.
        Raises ``RemoteCallError``.
        """


class _LostError(Exception):
    """Nobody knows the operation any more: the engine began anew."""


class RemoteExecution:
    """One engine. At most ``jobs`` actions are there at once; the others wait here."""

    def __init__(
        self,
        channel: Channel,
        function: DigestFunction,
        content: BlobService,
        supplier: Supplier,
        *,
        jobs: int,
        priority: int,
        keep: Callable[[bytes], object],
        listening: float = LISTENING,
    ) -> None:
        """Read outputs through ``content``; ``keep`` is given verified outputs that came along."""
        self._channel = channel
        self._function = function
        self._content = content
        self._supplier = supplier
        self._priority = priority
        self._keep = keep
        self._listening = listening
        self._slots = asyncio.Semaphore(jobs)
        self._running: dict[int, asyncio.Task[Executed]] = {}

    async def execute(self, request: Execute) -> Executed:
        """Run an action and return how it ended."""
        task = asyncio.ensure_future(self._limited(request))
        self._running[request.token] = task
        try:
            await asyncio.wait({task})
        finally:
            task.cancel()
            del self._running[request.token]
        if task.cancelled():
            return Executed(request.token, None, "it was cancelled")
        return task.result()

    def cancel(self, token: int) -> None:
        """Give an execution up; ``execute`` still returns."""
        if token in self._running:
            self._running[token].cancel()

    async def _limited(self, request: Execute) -> Executed:
        async with self._slots:
            limit = (request.timeout or _UNLIMITED) + QUEUE
            try:
                async with asyncio.timeout(limit):
                    return await self._persist(request)
            except TimeoutError:
                return Executed(request.token, None, f"the engine did not end it in {limit} s")
            except RemoteCallError as error:
                return Executed(request.token, None, str(error))
            except MalformedMessageError as error:
                return Executed(request.token, None, f"the engine's answer is malformed: {error}")

    async def _persist(self, request: Execute) -> Executed:
        """Execute until there is a last word that another execution would not change."""
        lost: frozenset[Digest] = frozenset()
        why = ""
        for attempt in range(1, ATTEMPTS + 1):
            missing = await self._supplier.supply(request, lost)
            if missing:
                return Executed(request.token, None, "inputs are missing", missing)
            try:
                response = await self._run(request)
            except _LostError:
                lost, why = EVERYTHING, "the engine forgot it"
                continue
            status = response.status
            if not status.code:
                if response.cached and not request.again and self._is_poor(request, response):
                    request = request._replace(again=True)
                    why = "the engine's stored result lacks outputs or failed"
                    continue
                return await self._executed(request, response)
            if status.name == "DEADLINE_EXCEEDED":
                return await self._executed(request, response, timed_out=True)
            why = self._channel.redactor.clean(f"{status.name} {status.message}")
            if status.name in _LACKING and not lost:
                lost = lost_inputs(status)
                continue
            if status.name not in _PASSING:
                break
            lost = EVERYTHING  # casd says INTERNAL when an input is gone
            await asyncio.sleep(delay(attempt))
        return Executed(request.token, None, why)

    async def _run(self, request: Execute) -> ExecuteResponse:
        """Start one execution and watch it to its end; raises ``_LostError``."""
        encoded = encode_execute(
            ExecuteRequest(
                self._channel.instance,
                self._function.of(request.action),
                skip_cache_lookup=request.again,
                priority=self._priority,
                function=DIGEST_FUNCTIONS[self._function.name],
                inline_stdout=True,
                inline_stderr=True,
                inline_files=output_paths(request.command),
            )
        )
        watch = _Watch(self._channel, encoded, self._listening)
        try:
            return await watch.end()
        except asyncio.CancelledError:
            await watch.cancel()
            raise

    def _is_poor(self, request: Execute, response: ExecuteResponse) -> bool:
        """Whether an engine remembers a result that its rules should not have let it keep."""
        result = decode_action_result(response.result or b"")
        made = {item.path for item in result.files} | {item.path for item in result.directories}
        return bool(result.exit_code) or not made.issuperset(output_paths(request.command))

    async def _executed(
        self, request: Execute, response: ExecuteResponse, *, timed_out: bool = False
    ) -> Executed:
        why = "it took longer than its time-out" if timed_out else ""
        if response.result is None:
            return Executed(
                request.token, None, why or "the engine gave no result", timed_out=timed_out
            )
        self._keep_contents(response.result)
        accepted = await trust.accept(
            response.result,
            self._function.of(request.action),
            self._function,
            (),
            self._content,
            any_exit=True,
            keep=self._keep,
        )
        if accepted is None:
            why = why or "the engine's result cannot be used"
            return Executed(request.token, None, why, timed_out=timed_out)
        result = encode_action_result(accepted[0])
        return Executed(request.token, result, why, timed_out=timed_out)

    def _keep_contents(self, encoded: bytes) -> None:
        """Keep outputs that came along with the result, if they are what it says."""
        served = decode_result(encoded)
        digests = {item.path: item.digest for item in served.result.files}
        for path, content in served.contents:
            if self._function.of(content) == digests.get(path):
                self._keep(content)


class _Watch:
    """One execution from its start to its last word, over as many streams as that takes."""

    def __init__(self, channel: Channel, execute: bytes, listening: float) -> None:
        self._channel = channel
        self._execute = execute
        self._listening = listening
        self._name = ""

    async def end(self) -> ExecuteResponse:
        """Return the response; raises ``_LostError`` or ``RemoteCallError``."""
        breaks = 0
        while True:
            resumed = bool(self._name)
            try:
                operation = await self._listen()
            except RemoteCallError as error:
                if error.code == "DEADLINE_EXCEEDED":
                    await self._probe()
                    continue
                if resumed and error.code in _UNKNOWN_OPERATION:
                    raise _LostError from error
                if error.code in _LACKING:
                    number = CODES.index(error.code)
                    return ExecuteResponse(status=Status(number, error.detail))
                breaks += 1
                if error.code not in _PASSING or breaks > BREAKS:
                    raise
                await asyncio.sleep(delay(breaks))
                continue
            return _last_word(operation)

    async def _listen(self) -> Operation:
        """Return the operation that is done, or raise why the stream ended before it was."""
        method, request = EXECUTE, self._execute
        if self._name:
            method, request = WAIT_EXECUTION, encode_operation_name(self._name)
        breaker = self._channel.patience.breaker
        breaker.admit("Execute")
        began = time.monotonic()
        try:
            stream = self._channel.stream(method, request, seconds=self._listening, patient=True)
            async with contextlib.aclosing(stream) as operations:
                async for data in operations:
                    breaker.succeeded()
                    operation = decode_operation(data)
                    self._name = operation.name or self._name
                    if operation.done:
                        return operation
        except RemoteCallError as error:
            if error.code == "UNAVAILABLE" and isinstance(error, CallError):
                breaker.failed(error)
            elif (
                error.code == "DEADLINE_EXCEEDED" and time.monotonic() - began < self._listening / 2
            ):
                raise RemoteCallError("UNAVAILABLE", error.method, error.detail) from error
            raise
        except asyncio.CancelledError:
            breaker.released()
            raise
        raise RemoteCallError("UNAVAILABLE", "Execute", "the stream ended early")

    async def _probe(self) -> None:
        """Raise unless the engine answers: a silent stream alone does not tell."""
        request = encode_capabilities_request(self._channel.instance)
        await self._channel.unary(GET_CAPABILITIES, request, most=2)

    async def cancel(self) -> None:
        """Tell the engine that nobody waits any more, where it listens to that."""
        if self._name:
            with contextlib.suppress(RemoteCallError):
                request = encode_operation_name(self._name)
                await self._channel.unary(CANCEL_OPERATION, request, seconds=_CANCELLING, most=1)


def _last_word(operation: Operation) -> ExecuteResponse:
    if operation.error is not None and operation.error.code:
        return ExecuteResponse(status=operation.error)
    if operation.response is None or operation.response.type_url != EXECUTE_RESPONSE:
        raise MalformedMessageError("an operation is done and has no ExecuteResponse")
    return decode_execute_response(operation.response.value)


def output_paths(command: bytes) -> tuple[str, ...]:
    """Return the output paths of an encoded ``Command``."""
    return tuple(text(value) for field, value in fields(command) if field == _OUTPUT_PATHS)


def lost_inputs(status: Status) -> frozenset[Digest]:
    """Return the blobs that an engine says it lacks, ``EVERYTHING`` when it does not name them.

    They are violations of type ``MISSING`` with the subject ``blobs/HASH/SIZE``, perhaps with the
    digest function's name before the hash.
    """
    found = set()
    for detail in status.details:
        if detail.type_url != PRECONDITION_FAILURE:
            continue
        for violation in decode_violations(detail.value):
            if violation.type != _MISSING:
                continue
            *_, hash_text, size = ("", *violation.subject.split("/"))
            digest = Digest(hash_text, int(size) if size.isdecimal() else -1)
            if not trust.is_digest(digest):
                return EVERYTHING
            found.add(digest)
    return frozenset(found) or EVERYTHING
