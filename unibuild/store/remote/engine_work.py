"""Executions of one courier: inputs to the engine's storage, the action to the engine, the answer back."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from unibuild.store.reapi import decode_action_result
from unibuild.store.remote import assembly
from unibuild.store.remote.gate import DECISION, PATIENCE, Gate
from unibuild.store.remote.lanes import spawn
from unibuild.store.remote.requests import Execute, Executed
from unibuild.store.remote.services import RemoteCallError

if TYPE_CHECKING:
    from collections.abc import Callable

    from unibuild.model.errors import UnibuildError
    from unibuild.store.cache import Cache
    from unibuild.store.digests import Digest
    from unibuild.store.remote.assembly import EngineSide, Wire
    from unibuild.store.remote.execution import RemoteExecution
    from unibuild.store.remote.notices import Notices
    from unibuild.store.remote.services import BlobService
    from unibuild.store.remote.settings import Connection, Remote
    from unibuild.store.remote.totals import Totals
    from unibuild.store.remote.uploads import Uploads

_CANCELLED = "it was cancelled"


class EngineWork:
    """Runs actions on the server of ``connection``; connects at the first one."""

    def __init__(
        self,
        connection: Connection,
        remote: Remote,
        cache: Cache,
        wire: Wire,
        notices: Notices,
        totals: Totals,
        uploads: Callable[[Connection, BlobService], Uploads],
        unconnected: Callable[[RemoteCallError | UnibuildError], None],
        keep: Callable[[bytes], None],
    ) -> None:
        """Store inputs through what ``uploads`` gives for the engine's storage.

        ``keep`` is given bytes that came along with a result.
        """
        self._keep = keep
        self._connection = connection
        self._remote = remote
        self._cache = cache
        self._wire = wire
        self._notices = notices
        self._totals = totals
        self._uploads_of = uploads
        self._unconnected = unconnected
        self._gate: Gate[EngineSide] | None = None
        self._uploads: Uploads | None = None
        self._execution: RemoteExecution | None = None
        self._tasks: dict[int, asyncio.Task[Executed]] = {}
        self._begun: set[int] = set()  # tokens of executions that the engine's client knows

    async def blobs(self) -> BlobService | None:
        """Return the engine's storage, once anything was executed."""
        side = None if self._gate is None else await self._gate.enter()
        return None if side is None else side.blobs

    def execute(self, request: Execute, done: Callable[[Executed], None]) -> None:
        """Run an action and call ``done`` with how it ended."""
        task = spawn(self._execute(request))
        self._tasks[request.token] = task

        def end(task: asyncio.Task[Executed]) -> None:
            del self._tasks[request.token]
            if task.cancelled():
                done(Executed(request.token, None, _CANCELLED))
            elif task.exception() is None:
                done(task.result())

        task.add_done_callback(end)

    def cancel(self, token: int) -> None:
        """Give an execution up; ``done`` is still called."""
        if token in self._begun and self._execution is not None:
            self._execution.cancel(token)
        elif token in self._tasks:
            self._tasks[token].cancel()

    async def drain(self) -> None:
        """Wait until nothing is executed any more."""
        if self._tasks:
            await asyncio.wait(self._tasks.values())

    async def supply(
        self, request: Execute, lost: frozenset[Digest] = frozenset()
    ) -> tuple[Digest, ...]:
        """Have all blobs of ``request`` on the engine's server, as ``execution.Supplier`` says."""
        from unibuild.store.remote.execution import EVERYTHING

        uploads = self._uploads
        if uploads is None:
            raise RemoteCallError("UNAVAILABLE", "upload", "not connected")
        if lost:
            uploads.forget(None if lost == EVERYTHING else lost)
        function = self._cache.function
        messages = (request.action, request.command, *request.directories)
        trees = {item for item in request.inputs if item.tree is not None}
        stored = await uploads.store(
            {function.of(message): message for message in messages}
            | {item.digest: None for item in request.inputs if item.tree is None}
        )
        gone = set(stored.gone)
        error = stored.error
        for item in trees:
            if item.tree is not None:
                stored = await uploads.store_tree(item.tree, item.digest)
                error = error or stored.error
                if stored.gone:
                    gone.add(item.digest)
        if error is not None:
            raise error
        return tuple(gone)

    async def _execute(self, request: Execute) -> Executed:
        execution = await self._connected()
        if execution is None:
            return Executed(request.token, None, "the remote engine cannot be reached")
        self._begun.add(request.token)
        try:
            executed = await execution.execute(request)
        finally:
            self._begun.discard(request.token)
        if executed.result is not None:
            self._totals.executed += 1
            await self._store_trees(executed.result)
        elif not executed.missing and not executed.timed_out and executed.why != _CANCELLED:
            self._notices.trouble(
                self._connection.url,
                f"the engine of [{self._connection.setting}], {self._connection.url}, did not run "
                f"an action: {executed.why}",
                "",
                "what it does not run is run here",
            )
        return executed

    async def _store_trees(self, encoded: bytes) -> None:
        """Store the ``Tree`` messages of a result: the engine's own may have another order."""
        trees = {item.tree: None for item in decode_action_result(encoded).directories}
        if trees and self._uploads is not None:
            await self._uploads.store(trees)

    async def _connected(self) -> RemoteExecution | None:
        if self._gate is None:
            connect = partial(
                assembly.connect_engine,
                self._connection,
                self._remote,
                self._cache.function,
                self._wire,
                self._notices.wrong_bytes,
            )
            decision = PATIENCE if self._remote.required else DECISION
            self._gate = Gate(connect, self._unconnected, decision)
        side = await self._gate.enter()
        if side is None:
            return None
        if self._execution is None:
            from unibuild.store.remote.execution import RemoteExecution

            self._uploads = self._uploads_of(self._connection, side.blobs)
            self._execution = RemoteExecution(
                side.channel,
                self._cache.function,
                side.blobs,
                self,
                jobs=self._remote.jobs,
                priority=self._remote.priority,
                keep=self._keep,
            )
        return self._execution
