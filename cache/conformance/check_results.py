"""ActionCache: results of actions, and what belongs to them."""

from __future__ import annotations

import asyncio
import os

from unibuild.store.digests import Digest
from unibuild.store.reapi import (
    ActionResult,
    Directory,
    DirectoryNode,
    FileNode,
    OutputDirectory,
    OutputFile,
    encode_directory,
    encode_tree,
)
from unibuild.store.remote.messages import Packed
from unibuild.store.remote.services import RemoteCallError

from .registry import area
from .subject import Subject, refusal, said
from .verdicts import Finding, differs, fails, passes

AREA = area("result")
AUXILIARY = Packed("type.googleapis.com/unibuild.v1.ResultSignature", bytes(range(200)))
MISSED = "finds that the blobs are missing, takes the result for a miss and runs the action"
WRITERS = 8


async def stored_result(subject: Subject, size: int = 1000) -> ActionResult:
    """Return a result with one output, which is stored."""
    blob = subject.blob(size)
    await subject.store(blob)
    return ActionResult((OutputFile("out/file", blob[0], True),), (), 0, b"said on the way\n")


@AREA.check("a result that nobody stored is NOT_FOUND", writes=False)
async def missing(subject: Subject) -> Finding:
    """The most frequent answer of a cache."""
    error = await refusal(subject.get(subject.blob(100)[0]))
    if error is None:
        return fails("a result is served for an action that nobody ran")
    return passes() if error.code == "NOT_FOUND" else fails(said(error))


@AREA.check("a result comes back as it was stored")
async def round_trip(subject: Subject) -> Finding:
    """Paths, digests, the executable bit and inlined standard output."""
    action = await subject.action("out/file")
    result = await stored_result(subject)
    await subject.put(action, result)
    served = await subject.get(action)
    if served.result == result:
        return passes()
    if served.result._replace(stdout=b"") == result._replace(stdout=b"") and served.stdout:
        return differs("standard output comes as the digest of a blob", "fetches the blob")
    return fails("it comes back changed")


@AREA.check("what unibuild adds to a result survives: who signed it")
async def auxiliary_metadata(subject: Subject) -> Finding:
    """``execution_metadata.auxiliary_metadata``, byte for byte."""
    action = await subject.action("out/file")
    await subject.put(action, await stored_result(subject), (AUXILIARY,))
    if (await subject.get(action)).auxiliary == (AUXILIARY,):
        return passes()
    return fails("it is dropped", "`require_signed` cannot be used with this server")


@AREA.check("a result with a missing output is not served")
async def incomplete(subject: Subject) -> Finding:
    """Neither at once nor when the blob was never there."""
    action = await subject.action("out/file")
    absent = OutputFile("out/file", subject.blob(1000)[0])
    error = await refusal(subject.put(action, ActionResult((absent,))))
    if error:
        return passes(f"it is not even stored: {said(error)}")
    served = await refusal(subject.get(action))
    if served is None:
        return differs("it is served", MISSED)
    return passes(served.code) if served.code == "NOT_FOUND" else fails(said(served))


def tree_of(subject: Subject, leaf: Digest) -> tuple[bytes, bytes, bytes]:
    """Return Tree, root and child of a directory with a file and a directory with a file."""
    child = encode_directory(Directory((FileNode("leaf", leaf),)))
    node = DirectoryNode("sub", subject.function.of(child))
    root = encode_directory(Directory((FileNode("top", leaf, True),), (node,)))
    return encode_tree(root, (child,)), root, child


@AREA.check("a directory comes back as its Tree, with its root digest")
async def tree(subject: Subject) -> Finding:
    """``tree_digest`` is what every client reads; ``root_directory_digest`` is new in 2.1."""
    leaf = subject.blob(700)
    encoded, root, child = tree_of(subject, leaf[0])
    named = [(subject.function.of(data), data) for data in (encoded, root, child)]
    await subject.store(leaf, *named)
    action = await subject.action("out/tree")
    output = OutputDirectory("out/tree", named[0][0], named[1][0])
    await subject.put(action, ActionResult((), (output,)))
    served = (await subject.get(action)).result.directories
    if served == (output,):
        return passes()
    if served and served[0].tree == output.tree:
        return differs("the root digest is dropped", "works it out from the Tree")
    return fails("the directory comes back changed")


@AREA.check("a result whose Tree names a missing file is not served")
async def incomplete_tree(subject: Subject) -> Finding:
    """The Tree is there, its file is not."""
    encoded, root, child = tree_of(subject, subject.blob(700)[0])
    named = [(subject.function.of(data), data) for data in (encoded, root, child)]
    await subject.store(*named)
    action = await subject.action("out/tree")
    output = OutputDirectory("out/tree", named[0][0], named[1][0])
    error = await refusal(subject.put(action, ActionResult((), (output,))))
    if error:
        return passes(f"it is not even stored: {said(error)}")
    served = await refusal(subject.get(action))
    if served is None:
        return differs("it is served", MISSED)
    return passes(served.code) if served.code == "NOT_FOUND" else fails(said(served))


@AREA.check("a second result of an action replaces the first")
async def overwrite(subject: Subject) -> Finding:
    """As after a rebuild that gave something else."""
    action = await subject.action("out/file")
    first, second = await stored_result(subject), await stored_result(subject)
    await subject.put(action, first)
    error = await refusal(subject.put(action, second))
    served = (await subject.get(action)).result
    if served == second:
        return passes()
    if served == first:
        text = f"the first one stays{f': {said(error)}' if error else ''}"
        return differs(text, "both are results of the same action; either will do")
    return fails("neither of them is served")


@AREA.check("clients that write one result at the same time leave one of them, whole")
async def concurrent(subject: Subject) -> Finding:
    """Eight writers, four results; somebody reads on the way."""
    action = await subject.action("out/file")
    choices = [await stored_result(subject) for _ in range(4)]
    written = [subject.put(action, choices[index % 4]) for index in range(WRITERS)]
    outcomes = await asyncio.gather(*written, return_exceptions=True)
    errors = [error for error in outcomes if isinstance(error, RemoteCallError)]
    if (await subject.get(action)).result not in choices:
        return fails("what is left is none of them")
    if errors:
        text = f"{len(errors)} of {WRITERS} were refused: {said(errors[0])}"
        return differs(text, "a result that is refused is not uploaded; the build goes on")
    return passes()


@AREA.check("small outputs come along with the result when asked for")
async def inline(subject: Subject) -> Finding:
    """``inline_output_files`` saves a round trip."""
    action = await subject.action("out/file")
    await subject.put(action, await stored_result(subject))
    if (await subject.get(action, inline=("out/file",))).contents:
        return passes()
    return differs("it does not inline them", "fetches them in one batch for many results")


@AREA.check("a large result is taken: 2,000 outputs")
async def large(subject: Subject) -> Finding:
    """Paths of usual length; the message has some 300 kB."""
    blob = subject.blob(10)
    await subject.store(blob)
    prefix = f"out/{os.urandom(16).hex()}"
    outputs = tuple(OutputFile(f"{prefix}/{index}", blob[0]) for index in range(2000))
    action = await subject.action(prefix)
    error = await refusal(subject.put(action, ActionResult(outputs)))
    if error:
        return fails(said(error), "does not upload such a result")
    same = (await subject.get(action)).result.files == outputs
    return passes() if same else fails("it comes back changed")
