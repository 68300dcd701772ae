"""
What a caller is told of the statistics of tools.

Theory of operation.  Whoever may call a tool may know how well it works: that is what an
orchestrator chooses by.  What others do is not his to know: how many they are, what they spend, and
what an error of theirs said, which can quote their arguments.  That is for who may see the
executions of others, as the scope `toolcell:executions` says, and for everybody where nobody is
asked who he is.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final, Protocol

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from toolcell.v1 import statistics_pb2 as pb

from toolcell_server import pages, tool_pages
from toolcell_server.principal import OTHERS
from toolcell_server.refusals import InvalidField
from toolcell_server.statistics.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolcell_server.principal import Principal
    from toolcell_server.statistics.statistics import Statistics
    from toolcell_server.tool import Tool

_NANOSECONDS: Final = 10**9


class Catalogue(Protocol):
    """
    The tools that a caller may know of.
    """

    def find(self, name: str, version: str, principal: Principal, /) -> Tool: ...

    def tools(self, principal: Principal, first: str, /) -> Iterator[Tool]: ...


class Telling:
    """
    Tells of the tools of a catalogue.
    """

    def __init__(self, tools: Catalogue, statistics: Statistics) -> None:
        self._tools = tools
        self._statistics = statistics

    def tell(
        self, request: pb.GetToolStatsRequest, principal: Principal
    ) -> pb.GetToolStatsResponse:
        """
        A page of them.

        Raises:
            CallRefused: a field cannot be used, or there is no such tool for this caller.
        """
        size = pages.size(request.page_size)
        filters = {"name": request.name, "version": request.version}
        place = pages.decode(request.page_token, filters)
        found = tool_pages.after(place, lambda name: self._asked_for(request, principal, name))
        chosen = list(itertools.islice(found, size + 1))
        whole = OTHERS in principal.scopes or not principal.name
        response = pb.GetToolStatsResponse(
            stats=[
                described(tool, self._statistics.of(tool), whole=whole) for tool in chosen[:size]
            ]
        )
        if len(chosen) > size:
            last = tool_pages.position(chosen[size - 1])
            response.next_page_token = pages.encode(last, filters)
        return response

    def _asked_for(
        self, request: pb.GetToolStatsRequest, principal: Principal, first: str
    ) -> Iterator[Tool]:
        name, version = request.name, request.version
        if version and not name:
            raise InvalidField("version", "says nothing without a name; give both")
        if not name:
            return self._tools.tools(principal, first)
        found = self._tools.find(name, version, principal)
        if version:
            return iter([found])
        return itertools.takewhile(
            lambda tool: tool.name == name, self._tools.tools(principal, name)
        )


def described(tool: Tool, tally: Tally | None, *, whole: bool) -> pb.ToolStats:
    """
    What is known of one tool; `whole`: what others do, too.
    """
    tally = tally or Tally()
    stats = pb.ToolStats(
        tool=tool.name,
        version=tool.version,
        calls=tally.calls,
        cache_hits=tally.cached,
        outcomes=tally.outcomes,
        error_rate=tally.error_rate,
        error_types=tally.errors,
        cpu=_duration(tally.cpu_seconds),
        memory_peak_bytes=tally.memory_peak_bytes,
        memory_mean_bytes=tally.memory_sum_bytes // max(tally.measured, 1),
        unique_callers=len(tally.callers) if whole else 0,
        cost=tally.cost if whole else 0.0,
    )
    if tally.calls:
        stats.first_called_time.CopyFrom(_time(tally.first_called))
        stats.last_called_time.CopyFrom(_time(tally.last_called))
    if tally.measured:
        stats.latency.CopyFrom(_latency(tally))
    if error := tally.last_error:
        stats.last_error.time.CopyFrom(_time(error["at"]))
        stats.last_error.outcome = error["outcome"]
        stats.last_error.type = error["type"]
        stats.last_error.message = error["message"] if whole else ""
    return stats


def _latency(tally: Tally) -> pb.Latency:
    return pb.Latency(
        p50=_duration(tally.quantile(0.5)),
        p90=_duration(tally.quantile(0.9)),
        p99=_duration(tally.quantile(0.99)),
        maximum=_duration(tally.quantile(1.0)),
    )


def _duration(seconds: float) -> Duration:
    whole, part = divmod(round(seconds * _NANOSECONDS), _NANOSECONDS)
    return Duration(seconds=whole, nanos=part)


def _time(nanoseconds: int) -> Timestamp:
    seconds, part = divmod(nanoseconds, _NANOSECONDS)
    return Timestamp(seconds=seconds, nanos=part)
