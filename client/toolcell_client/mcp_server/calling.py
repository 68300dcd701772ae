"""
One call: the arguments as they are sent, and the events as they come.

Theory of operation.  The request's task reads the execution's stream; when the client cancels (by a
notification, by closing the response, or by leaving) the SDK cancels that task, and closing the
stream cancels the execution.  What the tool says of its progress is told as it comes; logs and
partial values only if the request asked for them (`logLevel`, an era's optional feature).
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

import mcp_types as types
from toolcell.v1 import execution_pb2 as pb

from toolcell_client.errors import ToolcellError
from toolcell_client.loops.planning import echoed
from toolcell_client.mcp_server.pacing import Pace
from toolcell_client.mcp_server.questions import Asking
from toolcell_client.plain import short_name

if TYPE_CHECKING:
    from mcp.server.connection import Connection
    from mcp.server.context import ServerRequestContext
    from toolcell.v1 import registry_pb2

    from toolcell_client.mcp_server.identities import Identity
    from toolcell_client.result import Result

LEVEL = "toolcell.level"  # in the state of a session
LEVELS: tuple[types.LoggingLevel, ...] = get_args(types.LoggingLevel)  # the least grave first
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}\Z", re.ASCII)


class BadArguments(ValueError):  # noqa: N818  # names what is wrong
    """
    Raised when arguments cannot be written as JSON again; the text is for the model.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """
    A call as it came.  `arguments` are JSON; numbers in them are as long as they were.
    """

    identity: Identity
    tool: registry_pb2.Tool
    arguments: bytes
    context: ServerRequestContext[Any, Any]

    @property
    def asking(self) -> Asking:
        """
        What an approval of it is bound to.
        """
        digest = hashlib.sha256(self.arguments).hexdigest()
        return Asking(principal=self.identity.key, tool=self.tool.name, digest=digest)

    async def run(self, approval_token: str = "") -> Result | ToolcellError:
        """
        Run it, and tell what happens.  What goes wrong is returned.
        """
        stream = self.identity.client.execute(
            self.tool.name,
            self.arguments,
            call_id=echoed(str(self.context.request_id)),
            approval_token=approval_token,
            labels=_labels(self.context.meta),
        )
        telling = Telling(self.context)
        self.identity.running.add(stream)
        try:
            async for event in stream:
                await telling.tell(event)
            return await stream.result()
        except ToolcellError as exc:
            return exc
        finally:
            self.identity.running.discard(stream)
            await stream.aclose()


class Telling:
    """
    Tells the client of one request what happens.
    """

    def __init__(self, context: ServerRequestContext[Any, Any]) -> None:
        self._context = context
        self._pace = Pace()
        self._levels = asked_levels(context)

    async def tell(self, event: pb.ExecuteResponse) -> None:
        match event.WhichOneof("event"):
            case "progress":
                known = event.progress.HasField("fraction")
                fraction = event.progress.fraction if known else None
                await self._progress(fraction, event.progress.message)
            case "heartbeat":
                seconds = event.heartbeat.elapsed.seconds
                await self._progress(None, f"still running after {seconds} s")
            case "log":
                fields = _parsed(event.log.fields_json) if event.log.fields_json else {}
                level = short_name(pb.LogLevel, event.log.level)
                await self._message(level, {"message": event.log.message, **fields})
            case "partial":
                await self._message("info", {"partial": _parsed(event.partial.value_json)})

    async def _progress(self, fraction: float | None, message: str) -> None:
        told = self._pace.at(time.monotonic(), fraction, message)
        if told is not None:
            session = self._context.session
            await session.report_progress(told.progress, told.total, told.message or None)

    async def _message(self, level: Any, data: Any) -> None:
        if level not in self._levels:
            return
        params = types.LoggingMessageNotificationParams(level=level, data=data, logger="tool")
        await self._context.session.send_notification(
            types.LoggingMessageNotification(params=params),
            related_request_id=self._context.request_id,
        )


def arguments_of(arguments: dict[str, Any] | None) -> bytes:
    """
    Arguments as JSON.

    Raises:
        BadArguments: a number is infinite or endless, text is no Unicode, or they nest too deeply.
    """
    try:
        written = json.dumps(
            arguments or {}, allow_nan=False, ensure_ascii=False, separators=(",", ":")
        )
        return written.encode()
    except (ValueError, RecursionError) as exc:
        raise BadArguments(f"{exc}"[:200]) from exc


def asked_levels(context: ServerRequestContext[Any, Any]) -> frozenset[str]:
    """
    The levels of messages that a request wants; none unless it says so, or its session did.
    """
    wanted = session_of(context).state.get(LEVEL)
    wanted = (context.meta or {}).get(types.LOG_LEVEL_META_KEY, wanted)
    return frozenset(LEVELS[LEVELS.index(wanted) :] if wanted in LEVELS else ())


def session_of(context: ServerRequestContext[Any, Any]) -> Connection:
    """
    What lasts as long as a session does, in the eras that have sessions; the SDK shows it nowhere.
    """
    return context.session._connection  # noqa: SLF001


def _labels(meta: Any) -> dict[str, str]:
    """
    The trace that the call belongs to, for whoever looks at the execution.
    """
    parent = (meta or {}).get("traceparent")
    if isinstance(parent, str) and _TRACEPARENT.match(parent):
        return {"traceparent": parent}
    return {}


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return {}
