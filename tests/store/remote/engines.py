"""Actions for an engine, and the client of it in a process of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from support.apart import apart

from unibuild.store.digests import Digest, DigestFunction
from unibuild.store.merkle import Entry
from unibuild.store.reapi import (
    ActionResult,
    Directory,
    FileNode,
    decode_action_result,
    encode_action,
    encode_command,
    encode_directory,
)
from unibuild.store.remote.capabilities import negotiate
from unibuild.store.remote.channel import Channel
from unibuild.store.remote.content import RemoteContent
from unibuild.store.remote.execution import (
    RemoteExecution,
)
from unibuild.store.remote.messages import (
    Packed,
)
from unibuild.store.remote.messages_execution import (
    EXECUTE_RESPONSE,
    ExecuteResponse,
    Operation,
    encode_execute_response,
    encode_operation,
)
from unibuild.store.remote.requests import Execute, Executed, Input
from unibuild.store.remote.settings import Connection

SHA256 = DigestFunction("sha256")
INPUT = b"the input\n"
ENVIRONMENT = (("PATH", "/usr/bin:/bin"),)


@dataclass
class Supply:
    """Uploads what a request needs from memory; ``forgets`` are not sent unless they are asked for."""

    content: RemoteContent
    blobs: dict[Digest, bytes]
    forgets: set[Digest] = field(default_factory=set)
    asked: list[frozenset[Digest]] = field(default_factory=list)

    async def supply(
        self, request: Execute, lost: frozenset[Digest] = frozenset()
    ) -> tuple[Digest, ...]:
        self.asked.append(lost)
        if lost:
            self.forgets = set()
        messages = (request.action, request.command, *request.directories)
        wanted = {SHA256.of(data): data for data in messages} | self.blobs
        missing = await self.content.find_missing({*wanted, *(item[0] for item in request.inputs)})
        await self.content.write(
            {d: wanted[d] for d in missing if d in wanted and d not in self.forgets}
        )
        return tuple(missing - set(wanted))


def request(
    script: str,
    *outputs: str,
    timeout: int = 60,
    inputs: dict[str, bytes] | None = None,
    token: int = 7,
) -> Execute:
    """Return an action whose shell comes from the workers' own mounts."""
    inputs = {"input": INPUT} if inputs is None else inputs
    root = encode_directory(
        Directory(tuple(FileNode(name, SHA256.of(data)) for name, data in inputs.items()))
    )
    command = encode_command(("/bin/sh", "-c", script), ENVIRONMENT, outputs)
    action = encode_action(SHA256.of(command), SHA256.of(root), (), timeout)
    needed = tuple(Entry(name, SHA256.of(data)).digest for name, data in inputs.items())
    return Execute(token, action, command, (root,), tuple(Input(d) for d in needed), timeout)


@dataclass
class Outcome:
    """What came of an execution, and what was seen of it."""

    executed: Executed
    asked: list[frozenset[Digest]]
    kept: list[bytes]
    seconds: float
    read: dict[Digest, bytes]

    @property
    def result(self) -> ActionResult:
        assert self.executed.result is not None, self.executed.why
        return decode_action_result(self.executed.result)


def execute(
    url: str,
    wanted: Execute,
    *,
    forgets: Sequence[bytes] = (),
    meanwhile: Callable[[RemoteExecution], object] | None = None,
    after: float = 0.5,
    blobs: Sequence[bytes] = (INPUT,),
    **options: Any,
) -> Outcome:
    """Run ``wanted`` on the engine, in a process of its own."""

    async def work() -> Outcome:
        channel = Channel(Connection(url, timeout=10, setting="execution.remote"))
        capabilities = await negotiate(channel, "sha256", execution=True)
        content = RemoteContent(channel, capabilities, SHA256, note=lambda _: None)
        supply = Supply(content, {SHA256.of(b): b for b in blobs}, {SHA256.of(b) for b in forgets})
        kept: list[bytes] = []
        remote = RemoteExecution(
            channel, SHA256, content, supply,
            **{"jobs": 4, "priority": 0, "keep": kept.append, **options},
        )  # fmt: skip
        began = time.monotonic()
        if meanwhile is not None:
            asyncio.get_running_loop().call_later(after, meanwhile, remote)
        executed = await remote.execute(wanted)
        seconds = time.monotonic() - began
        read: dict[Digest, bytes] = {}
        if executed.result is not None:
            result = decode_action_result(executed.result)
            read = dict(await content.read([item.digest for item in result.files]))
        await channel.close()
        return Outcome(executed, supply.asked, kept, seconds, read)

    return apart(work)


def done(response: ExecuteResponse, name: str = "operation") -> bytes:
    packed = Packed(EXECUTE_RESPONSE, encode_execute_response(response))
    return encode_operation(Operation(name, None, True, None, packed))


def fresh(script: str) -> str:
    """Return a script that no engine has run before."""
    return f": {time.monotonic_ns()}; {script}"
