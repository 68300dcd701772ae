"""
Pages of executions, newest first.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from toolcell.v1 import execution_pb2 as pb

from toolcell_server import pages

if TYPE_CHECKING:
    from collections.abc import Iterable

    from toolcell_server.known import Known


class Narrowing(NamedTuple):
    """
    What is asked of executions that are not in memory, which may be a hundred thousand: those with
    a lower number than `before`, of that tool and principal; empty: of all.  Without `ended` none:
    what is not in memory has ended.
    """

    before: float = math.inf
    ended: bool = True
    tool: str = ""
    principal: str = ""


ALL: Final = Narrowing()


def page(records: Iterable[Known], request: pb.ListExecutionsRequest) -> pb.ListExecutionsResponse:
    """
    The page that a request asks for, out of all records, newest first.

    Raises:
        InvalidField: the page size is negative.
        BadPageToken: the token is malformed or was made for other filters.
    """
    size = pages.size(request.page_size)
    before, filters = narrowing(request).before, _filters(request)
    matching = (
        record for record in records if record.number < before and _matches(record, request)
    )
    chosen = list(itertools.islice(matching, size + 1))
    response = pb.ListExecutionsResponse(executions=[one.to_proto() for one in chosen[:size]])
    if len(chosen) > size:
        response.next_page_token = pages.encode(str(chosen[size - 1].number), filters)
    return response


def narrowing(request: pb.ListExecutionsRequest) -> Narrowing:
    """
    What a page is of.

    Raises:
        BadPageToken: the token is malformed or was made for other filters.
    """
    before = pages.number_before(request.page_token, _filters(request))
    ended = request.state in (pb.EXECUTION_STATE_UNSPECIFIED, pb.EXECUTION_STATE_FINISHED)
    return Narrowing(before, ended, request.tool, request.principal)


def _filters(request: pb.ListExecutionsRequest) -> dict[str, Any]:
    return {"state": request.state, "tool": request.tool, "principal": request.principal}


def _matches(record: Known, request: pb.ListExecutionsRequest) -> bool:
    return (
        request.state in (pb.EXECUTION_STATE_UNSPECIFIED, record.state)
        and request.tool in ("", record.tool)
        and request.principal in ("", record.principal)
    )
