"""
What the records say of an execution: who, what, with what, and how it ended.  Pure.

Theory of operation.  An ending is described once for each call, so it is read field by field; the
general way (`MessageToDict`) takes ten times as long.  What is the same for many calls (a caller, a
tool, the grant of one without arguments in it, the walls of a bundle) is put into JSON once and
remembered, a few of each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import msgspec
from toolcell.v1 import execution_pb2 as pb

from toolcell_server.audit import values
from toolcell_server.audit.lines import encoded

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_server.audit.content import Content
    from toolcell_server.audit.seen import Seen
    from toolcell_server.execution import Execution
    from toolcell_server.grants import Grant
    from toolcell_server.principal import Principal
    from toolcell_server.tool import Tool

_REMEMBERED: Final = 256
_ASKED: Final = ("tool", "version", "call_id", "request_id", "execution_id")
Shared = TypeVar("Shared")


class Describing:
    """
    Describes executions.  Remembers what many of them share.
    """

    def __init__(self, content: Content) -> None:
        self._content = content
        self._callers: _Encoded[Principal] = _Encoded(values.who)
        self._tools: _Encoded[Tool] = _Encoded(values.which)
        self._grants: _Encoded[Grant] = _Encoded(values.granted)
        self._isolations: dict[bytes, msgspec.Raw] = {}

    def accepted(self, execution: Execution) -> dict[str, Any]:
        """
        What is known before it runs.
        """
        return {
            "execution_id": execution.execution_id,
            "call_id": values.bounded(execution.call_id),
            "request_id": values.bounded(execution.request_id),
            "principal": self._callers.of(execution.caller),
            "tool": self._tools.of(execution.tool),
            "labels": values.labels(execution.labels),
            "arguments": self._of(execution.arguments, execution.tool),
            "grant": self._grants.of(execution.grant),
            "detached": execution.detached,
            "preview": execution.preview,
        }

    def ended(self, execution: Execution, seen: Seen) -> dict[str, Any]:
        """
        Everything about one that has ended.
        """
        finished = seen.finished or pb.Finished()
        isolation = finished if finished.HasField("isolation") else seen.started
        return {
            **self.accepted(execution),
            "outcome": values.outcome(finished.outcome),
            "result": self._of(seen.result, execution.tool),
            "usage": values.usage(finished.usage),
            "isolation": self._isolation(isolation.isolation),
            "contacts": [values.contact(contact) for contact in finished.contacts[: values.LISTED]],
            "committed_paths": [
                values.bounded(path) for path in finished.committed_paths[: values.LISTED]
            ],
            "fell_back": values.fell_back(seen.fell_back),
            "attempts": seen.attempts,
            "denials": seen.denials,
            "warnings": [values.bounded(each.message) for each in finished.warnings],
            "cached": finished.cached,
            "replayed": finished.replayed,
            "truncated": finished.truncated,
            "queue_seconds": values.seconds(seen.started.queue_time),
            "total_seconds": round(seen.seconds, 6),
        }

    def interrupted(self, execution: pb.Execution) -> dict[str, Any]:
        """
        What is known of one that its server did not outlive.
        """
        return {
            "execution_id": execution.execution_id,
            "call_id": values.bounded(execution.call_id),
            "request_id": values.bounded(execution.request_id),
            "principal": {"name": values.bounded(execution.principal)},
            "tool": {"name": execution.tool, "version": execution.version},
            "labels": values.labels(execution.labels),
            "outcome": values.outcome(execution.outcome),
            "accepted_time": execution.accepted_time.ToJsonString(),
            "detached": execution.detached,
        }

    def asked(self, request: object) -> dict[str, Any]:
        """
        What a request says of itself; a stream of requests says nothing.
        """
        said = {name: getattr(request, name, "") for name in _ASKED}
        texts = {
            name: values.bounded(value)
            for name, value in said.items()
            if isinstance(value, str) and value
        }
        arguments = getattr(request, "arguments_json", b"")
        if isinstance(arguments, bytes) and arguments:
            tool = getattr(request, "tool", "")
            return {**texts, "arguments": self._content.describe(arguments, tool)}
        return texts

    def _of(self, data: bytes, tool: Tool) -> dict[str, Any]:
        """
        What a tool was given or gave; that tool may be gone from the registry by then.
        """
        return self._content.describe(data, tool.name, tool.redact_keys)

    def _isolation(self, report: pb.IsolationReport) -> msgspec.Raw:
        key = report.SerializeToString()
        if key not in self._isolations:
            if len(self._isolations) >= _REMEMBERED:
                self._isolations.clear()
            self._isolations[key] = msgspec.Raw(encoded(values.walls(report)))
        return self._isolations[key]


class _Encoded(Generic[Shared]):
    """
    The JSON of things that many records are about, which are told apart by identity.
    """

    def __init__(self, describe: Callable[[Shared], dict[str, Any]]) -> None:
        self._describe = describe
        self._known: dict[int, tuple[Shared, msgspec.Raw]] = {}

    def of(self, thing: Shared) -> msgspec.Raw:
        known = self._known.get(id(thing))
        if known is None or known[0] is not thing:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = self._known[id(thing)] = thing, msgspec.Raw(encoded(self._describe(thing)))
        return known[1]
