"""Execution: a small program is run by the server's workers, and what it leaves is read back.

The program (``probe``) is an input like any other and needs nothing of the worker. The last input of
each action is random, so that no cached result can answer.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from unibuild.store.digests import Digest
from unibuild.store.reapi import (
    Directory,
    FileNode,
    decode_directory,
    decode_tree,
    encode_action,
    encode_command,
    encode_directory,
)
from unibuild.store.remote import messages_execution as execution
from unibuild.store.remote import messages_server as server
from unibuild.store.remote.messages import DIGEST_FUNCTIONS, Status
from unibuild.store.remote.messages_results import ServedResult, decode_result
from unibuild.store.remote.services import RemoteCallError

from .probe import program
from .registry import area
from .subject import Subject, refusal, said
from .verdicts import Finding, differs, fails, passes, service_not_offered

ENGINE = area("engine")
AREA = area("execution")
RUN_SECONDS = 45
SLEEP_LIMIT = 2
OUTPUT = "checks every output of a result against the action's declaration"


@dataclass(frozen=True, slots=True)
class Ran:
    """How an execution ended: a result or none, and the status of the whole."""

    action: Digest
    data: bytes
    served: ServedResult | None
    status: Status
    names: frozenset[str]

    @property
    def exit_code(self) -> int:
        """The program's status, -1 when there is no result."""
        return self.served.result.exit_code if self.served else -1


async def run(subject: Subject, what: str, *outputs: str, limit: int = 0) -> Ran:
    """Have ``probe WHAT`` executed and wait for its end."""
    action, data = await prepare(subject, what, outputs, limit)
    request = execution.ExecuteRequest(
        subject.instance, action, True, function=subject.number, inline_stdout=True
    )
    encoded = execution.encode_execute(request)
    return await ended(subject, execution.EXECUTE, encoded, action, data)


async def prepare(
    subject: Subject, what: str, outputs: tuple[str, ...], limit: int = 0
) -> tuple[Digest, bytes]:
    """Store an action with its inputs; return its digest and the bytes of its input file."""
    blobs = {"probe": program(), "input": subject.blob(500)[1]}
    named = {name: subject.function.of(data) for name, data in blobs.items()}
    root = encode_directory(
        Directory(tuple(FileNode(name, named[name], name == "probe") for name in sorted(named)))
    )
    command = encode_command(["./probe", what], (), outputs)
    action = encode_action(subject.function.of(command), subject.function.of(root), timeout=limit)
    stored = [*blobs.values(), root, command, action]
    await subject.store(*[(subject.function.of(data), data) for data in stored])
    return subject.function.of(action), blobs["input"]


async def ended(subject: Subject, method: str, request: bytes, action: Digest, data: bytes) -> Ran:
    """Follow an operation to its end."""
    names = set()
    stream = subject.channel.stream(method, request, seconds=RUN_SECONDS, patient=True)
    async for encoded in stream:
        operation = execution.decode_operation(encoded)
        names.add(operation.name)
        if not operation.done:
            continue
        if operation.error is not None:
            return Ran(action, data, None, operation.error, frozenset(names))
        packed = operation.response.value if operation.response else b""
        response = execution.decode_execute_response(packed)
        served = decode_result(response.result) if response.result is not None else None
        return Ran(action, data, served, response.status, frozenset(names))
    raise RemoteCallError("ABORTED", "Execute", "the stream ended before the operation did")


def offered(subject: Subject) -> bool:
    """Whether this server says that it runs actions with our digest function."""
    functions = subject.capabilities.executor_functions
    return subject.capabilities.execution and (
        not functions or DIGEST_FUNCTIONS[subject.function.name] in functions
    )


@ENGINE.check("the server of [execution.remote] answers and runs actions", writes=False)
async def answers(subject: Subject) -> Finding:
    """Only asked when it is another server than the cache's."""
    request = server.encode_capabilities_request(subject.instance)
    subject.capabilities = server.decode_capabilities(
        await subject.call(server.GET_CAPABILITIES, request)
    )
    if offered(subject):
        return passes()
    return fails("it does not announce execution with this digest function", "runs actions here")


@AREA.check("a program that is an input runs, and its output is the right one")
async def output_file(subject: Subject) -> Finding:
    """It copies a file and makes the copy executable."""
    if not offered(subject):
        return service_not_offered("execution is not announced")
    ran = await run(subject, "file", "out/file")
    if ran.status.code or ran.exit_code:
        return fails(f"exit {ran.exit_code}, {ran.status.name} {ran.status.message[:200]}")
    expected = subject.function.of(ran.data)
    files = ran.served.result.files if ran.served else ()
    if [(file.path, file.digest) for file in files] != [("out/file", expected)]:
        return fails(f"its outputs are {files}", OUTPUT)
    if await subject.missing([expected]):
        return fails("the output is not stored", "runs the action elsewhere")
    if not files[0].executable:
        return fails("the executable bit is lost")
    return passes()


@AREA.check("the exit code and both streams of a program that fails are handed on")
async def exit_code(subject: Subject) -> Finding:
    """Exit status 3, and words on both streams of another run."""
    failed = await run(subject, "exit")
    if failed.exit_code != 3:  # noqa: PLR2004 -- what probe.c says
        return fails(f"exit code {failed.exit_code}, {failed.status.name}; it was 3")
    spoke = (await run(subject, "say")).served
    if spoke is None:
        return fails("there is no result")
    out = spoke.result.stdout or (spoke.stdout and await content_of(subject, spoke.stdout))
    error = spoke.stderr_raw or (spoke.stderr and await content_of(subject, spoke.stderr))
    if (out, error) != (b"to stdout\n", b"to stderr\n"):
        return fails("what the program says is lost")
    if spoke.result.stdout:
        return passes()
    return differs("it comes as blobs, not inline", "fetches the blobs")


async def content_of(subject: Subject, digest: Digest) -> bytes:
    """Return a small blob."""
    return (await subject.batch([digest]))[digest].data


@AREA.check("a failed action is not kept as a result")
async def failure_kept(subject: Subject) -> Finding:
    """A cached failure comes back until somebody changes an input."""
    ran = await run(subject, "exit")
    request = execution.ExecuteRequest(subject.instance, ran.action, False, function=subject.number)
    await ended(subject, execution.EXECUTE, execution.encode_execute(request), ran.action, ran.data)
    error = await refusal(subject.get(ran.action))
    if error is not None and error.code == "NOT_FOUND":
        return passes()
    return differs("it is served as a result", "takes no failure from a cache")


@AREA.check("a declared output that was not made is told")
async def missing_output(subject: Subject) -> Finding:
    """The program ends well and writes nothing."""
    ran = await run(subject, "nothing", "out/file")
    if ran.status.code or ran.exit_code:
        return passes(f"{ran.status.name} {ran.status.message[:100]}")
    if ran.served and ran.served.result.files:
        return fails("an output is reported that was not made", OUTPUT)
    return differs("success, and one output fewer", OUTPUT)


@AREA.check("a directory comes as a Tree whose files are stored")
async def output_tree(subject: Subject) -> Finding:
    """A file, and a file in a directory in it."""
    ran = await run(subject, "tree", "out/tree")
    directories = ran.served.result.directories if ran.served else ()
    if len(directories) != 1:
        return fails(f"exit {ran.exit_code}, {len(directories)} directories, {ran.status.name}")
    encoded = await subject.read(directories[0].tree)
    root, children = decode_tree(encoded)
    top = decode_directory(root)
    below = [decode_directory(child) for child in children]
    names = ([f.name for f in top.files], [d.name for d in top.directories])
    leaves = [file.digest for directory in (top, *below) for file in directory.files]
    if names != (["one"], ["sub"]) or [f.name for d in below for f in d.files] != ["two"]:
        return fails(f"the Tree has {names}")
    if await subject.missing(leaves):
        return fails("files of the Tree are not stored")
    if not directories[0].root.hash:
        return differs("the root digest is left out", "works it out from the Tree")
    return passes()


@AREA.check("an action that takes too long is ended")
async def timeout(subject: Subject) -> Finding:
    """Two seconds for a program that takes a minute."""
    begin = time.monotonic()
    ran = await run(subject, "sleep", limit=SLEEP_LIMIT)
    took = time.monotonic() - begin
    if ran.status.name == "DEADLINE_EXCEEDED":
        return passes(f"after {took:.0f} s")
    if ran.exit_code:
        return differs(f"exit {ran.exit_code} after {took:.0f} s", "takes it for a failure")
    return fails(f"it went on for {took:.0f} s", "has a deadline of its own")


@AREA.check("an execution can be followed again after its stream broke")
async def wait_execution(subject: Subject) -> Finding:
    """Execute, let go, WaitExecution by the operation's name."""
    action, data = await prepare(subject, "sleep", (), SLEEP_LIMIT)
    request = execution.ExecuteRequest(subject.instance, action, True, function=subject.number)
    name = ""
    stream = subject.channel.stream(
        execution.EXECUTE, execution.encode_execute(request), seconds=RUN_SECONDS, patient=True
    )
    async for encoded in stream:
        name = execution.decode_operation(encoded).name
        break
    await stream.aclose()
    try:
        ran = await ended(
            subject,
            execution.WAIT_EXECUTION,
            execution.encode_operation_name(name),
            action,
            data,
        )
    except RemoteCallError as error:
        return differs(said(error), "executes the action again")
    return passes(f"it ended as {ran.status.name}")


@AREA.check("an action sees nothing of its worker's machine")
async def hermetic(subject: Subject) -> Finding:
    """The program looks for /etc/passwd."""
    ran = await run(subject, "look")
    if ran.status.code or ran.exit_code not in (0, 4):
        return fails(f"exit {ran.exit_code}, {ran.status.name}")
    if ran.exit_code:
        return differs(
            "/etc/passwd can be opened",
            "names no tool of the host; an action that looks for one would find the worker's",
        )
    return passes()


@AREA.check("an action whose inputs are missing is refused")
async def missing_input(subject: Subject) -> Finding:
    """FAILED_PRECONDITION that names them, so that a client can send them."""
    command = encode_command(["./probe", "nothing"], (), ())
    root = encode_directory(Directory((FileNode("probe", subject.blob(900)[0], True),)))
    action = encode_action(subject.function.of(command), subject.function.of(root))
    named = [(subject.function.of(data), data) for data in (root, command, action)]
    await subject.store(*named)
    request = execution.ExecuteRequest(
        subject.instance, named[-1][0], True, function=subject.number
    )
    try:
        ran = await ended(
            subject, execution.EXECUTE, execution.encode_execute(request), named[-1][0], b""
        )
    except RemoteCallError as error:
        code, text = error.code, said(error)
    else:
        code, text = ran.status.name, f"{ran.status.name} {ran.status.message[:100]}"
    if code == "FAILED_PRECONDITION":
        return passes(text)
    if code == "OK":
        return fails("it succeeds without them")
    return differs(text, "asks which inputs are missing, sends them and executes again")
