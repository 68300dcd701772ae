"""
Runs one call of a hosted function, and says how it ended.

Theory of operation.  A coroutine runs in the loop and is cancelled as any task.  Another function
runs in a thread, which nobody can stop: when its call is cancelled it is let run to its end, keeps
its place until then, and only then is the server told.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import logging
import threading
from typing import TYPE_CHECKING, Any, Final

from toolcell.v1 import execution_pb2 as pb
from toolcell.v1 import host_pb2

from toolcell_client.hosting.calls import (
    PIECE_BYTES,
    AsyncHostedCall,
    Cancelled,
    HostedCall,
    Outlet,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_client.hosting.definition import HostedTool

CATEGORIES: Final = {
    "user": pb.ERROR_CATEGORY_USER,
    "temporary": pb.ERROR_CATEGORY_TEMPORARY,
    "permanent": pb.ERROR_CATEGORY_PERMANENT,
}
LONGEST_TEXT: Final = 8192  # characters; the server keeps less
_log = logging.getLogger(__name__)


async def run(tool: HostedTool, said: host_pb2.HostedCall, outlet: Outlet) -> None:
    """
    Run it to its end, which is told exactly once; raises nothing.
    """
    call = AsyncHostedCall(said, outlet)
    try:
        arguments = json.loads(said.arguments_json)
        if tool.is_async:
            result = await _unless_cancelled(_in_loop(tool, arguments, call), outlet)
        else:
            result = await _in_thread(tool, arguments, call)
        data = json.dumps(result, allow_nan=False, ensure_ascii=False).encode()
        await _send_result(data, outlet)
    except (Cancelled, asyncio.CancelledError):
        outlet.end(cancelled=host_pb2.HostedCancelled())
    except Exception as exc:  # noqa: BLE001  # whatever a function raises is an ending
        if outlet.cancelled.is_set():
            outlet.end(cancelled=host_pb2.HostedCancelled())
            return
        _log.info("the hosted tool %s failed", tool.name, exc_info=exc)
        outlet.end(failed=failure(exc))


def failure(error: Exception) -> host_pb2.HostedFailed:
    """
    What is told of an exception: what a `ToolError` says, or any that has the same attributes.  No
    traceback, which would tell callers of this program's files.
    """
    said = {name: getattr(error, name, "") for name in ("code", "hint", "spoken")}
    texts = {name: _text(value) for name, value in said.items() if isinstance(value, str)}
    category = getattr(error, "category", "")
    return host_pb2.HostedFailed(
        message=_text(str(error)),
        exception=type(error).__name__,
        category=CATEGORIES.get(
            category if isinstance(category, str) else "", pb.ERROR_CATEGORY_UNSPECIFIED
        ),
        retryable=getattr(error, "retryable", False) is True,
        **texts,
    )


def _text(text: str) -> str:
    """
    What a message can hold of a text.
    """
    return text[:LONGEST_TEXT].encode("utf-8", "replace").decode()


async def _unless_cancelled(running: Any, outlet: Outlet) -> Any:
    """
    What a coroutine returns; it is cancelled with its call.

    Raises:
        Cancelled: the call was.
    """
    task = asyncio.ensure_future(running)
    cancelled = asyncio.ensure_future(outlet.cancelled.wait())
    try:
        await asyncio.wait((task, cancelled), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            task.cancel()
            await asyncio.wait((task,))
            raise Cancelled("the call has been cancelled")
        return task.result()
    finally:
        cancelled.cancel()
        task.cancel()


async def _in_loop(tool: HostedTool, arguments: dict[str, Any], call: AsyncHostedCall) -> Any:
    if tool.call_parameter:
        arguments[tool.call_parameter] = call
    if not inspect.isasyncgenfunction(tool.function):
        return await tool.function(**arguments)
    async for value in tool.function(**arguments):
        await call.partial(value)
    return None


async def _in_thread(tool: HostedTool, arguments: dict[str, Any], call: AsyncHostedCall) -> Any:
    loop = asyncio.get_running_loop()
    threaded = HostedCall(call, loop)
    if tool.call_parameter:
        arguments[tool.call_parameter] = threaded

    def work() -> Any:
        result = tool.function(**arguments)
        if not inspect.isgenerator(result):
            return result
        while True:
            try:
                threaded.partial(next(result))
            except StopIteration as end:
                return end.value

    return await _beside(work, f"toolcell-{call.tool}")


async def _beside(work: Callable[[], Any], name: str) -> Any:
    """
    What it returns, in a thread of its own: unlike those of a pool, one that never ends does not
    keep the program from ending.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()

    def tell(result: Any, error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is None:
            done.set_result(result)
        else:
            done.set_exception(error)

    def body() -> None:
        result, error = None, None
        try:
            result = work()
        except Exception as exc:  # noqa: BLE001  # for whoever waits
            error = exc
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(tell, result, error)

    threading.Thread(target=body, name=name, daemon=True).start()
    return await done


async def _send_result(data: bytes, outlet: Outlet) -> None:
    """
    In pieces, if it is large.  What is too large the server finds out, and ends the call for it.
    """
    if len(data) <= PIECE_BYTES:
        outlet.end(completed=host_pb2.HostedCompleted(result_json=data))
        return
    for at in range(0, len(data), PIECE_BYTES):
        await outlet.put(result_chunk=pb.ResultChunk(offset=at, data=data[at : at + PIECE_BYTES]))
    outlet.end(completed=host_pb2.HostedCompleted())
