"""
Runs one tool in its cell, from the bytes of its arguments to its last frame.

Theory of operation.  Every wall is up when we are called, in a process that was forked for this
one execution and is ended by `os._exit` afterwards.  Frames go out on the cell channel; whatever
the tool prints goes to descriptors 1 and 2 and is none of our business, but that it must be
flushed before the last frame, so that the server has all of it.  The last frame is RESULT or
RAISED, and there is exactly one, unless the tool ends the process.

Nothing may be imported here that was not imported before the fork: system calls that an import
needs may be forbidden by now, and every cell would pay for it.  Only asyncio is imported late: it
is large, and was imported when the first asynchronous tool was declared (`authoring.py`).

Memory may be exhausted when the ending is written.  A reserve is given back first, and the ending
is written again without a traceback if that was not enough.
"""

from __future__ import annotations

import contextlib
import inspect
import mmap
import sys
from typing import TYPE_CHECKING, Any, cast

import msgspec

from toolcell_worker import endings, missing, witness
from toolcell_worker.anonymous_maps import Mapping
from toolcell_worker.context import Context
from toolcell_worker.limits import RESERVE_BYTES
from toolcell_worker.outlet import Outlet, encode
from toolcell_worker.wire import Frame, Profile

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from toolcell_worker.definition import LoadedTool
    from toolcell_worker.wire import Call, CellGrant

COMPLETED, RAISED = 0, 1
# What is a result as it stands: looking closer costs a child pages.
PLAIN = frozenset({type(None), bool, int, float, str, list, dict})
# Address space only, and the zygote's already: no page of it is ever touched.
_reserve = mmap.mmap(-1, RESERVE_BYTES, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)


def perform(tool: LoadedTool, call: Call, channel: int, cell: CellGrant) -> int:
    """
    Run `tool`, and send what becomes of it.

    Returns:
        The exit code for `os._exit`: 0 after RESULT, 1 after RAISED.
    """
    Mapping.alone = cell.profile < Profile.SUBPROCESS
    outlet = Outlet(channel)
    if requests := tool.manifest["paths"]:
        cell = missing.add(cell, requests, call.arguments)
    context = Context(outlet, cell, call)
    witness.watch()
    try:
        result = _finish(tool.call(call.arguments, context), context)
        payload = encode(result, cell.result_bytes)
        tool.check_result(payload)
    except BaseException as exc:  # noqa: BLE001  # the tool's; sys.exit() and Ctrl-C are endings too
        _reserve.close()
        payload = _report(exc, cell, tool)
        _flush()
        outlet.send_last(Frame.RAISED, payload)
        return RAISED
    _flush()
    outlet.send_last(Frame.RESULT, payload)
    return COMPLETED


def _finish(value: Any, context: Context) -> Any:
    """
    The result of what a tool returned: a value, or something that has yet to run.
    """
    if type(value) in PLAIN:
        return value
    if inspect.isgenerator(value):
        return _drive(cast("Generator[Any, None, Any]", value), context)
    if inspect.isasyncgen(value):
        import asyncio  # see above

        return asyncio.run(_drive_async(cast("AsyncGenerator[Any, None]", value), context))
    if inspect.iscoroutine(value):
        import asyncio  # see above

        return asyncio.run(value)
    return value


def _drive(generator: Generator[Any, None, Any], context: Context) -> Any:
    while True:
        try:
            context.partial(next(generator))
        except StopIteration as stop:
            return stop.value


async def _drive_async(generator: AsyncGenerator[Any, None], context: Context) -> None:
    async with contextlib.aclosing(generator):
        async for value in generator:
            context.partial(value)


def _report(exc: BaseException, cell: CellGrant, tool: LoadedTool) -> bytes:
    try:
        return msgspec.json.encode(endings.describe(exc, cell, tool.folder))
    except Exception:  # noqa: BLE001  # no memory, or an exception class that fails by itself
        exc.__traceback__ = None
        return msgspec.json.encode(endings.describe_briefly(exc))


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        try:
            if stream is not None:
                stream.flush()
        except Exception:  # noqa: BLE001, S112  # closed, replaced, or the disk is full
            continue
