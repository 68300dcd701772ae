"""
Pages of executions, newest first.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

from toolcell.v1 import execution_pb2 as pb

from toolcell_server import pages
from toolcell_server.refusals import BadPageToken

if TYPE_CHECKING:
    from collections.abc import Iterable

    from toolcell_server.known import Known


def page(records: Iterable[Known], request: pb.ListExecutionsRequest) -> pb.ListExecutionsResponse:
    """
    The page that a request asks for, out of all records, newest first.

    Raises:
        InvalidField: the page size is negative.
        BadPageToken: the token is malformed or was made for other filters.
    """
    size = pages.size(request.page_size)
    below, filters = before(request), _filters(request)
    matching = (record for record in records if record.number < below and _matches(record, request))
    chosen = list(itertools.islice(matching, size + 1))
    response = pb.ListExecutionsResponse(executions=[one.to_proto() for one in chosen[:size]])
    if len(chosen) > size:
        response.next_page_token = pages.encode(str(chosen[size - 1].number), filters)
    return response


def before(request: pb.ListExecutionsRequest) -> float:
    """
    The number that those of a page are below.

    Raises:
        BadPageToken: the token is malformed or was made for other filters.
    """
    return _number(pages.decode(request.page_token, _filters(request)))


def _filters(request: pb.ListExecutionsRequest) -> dict[str, Any]:
    return {"state": request.state, "tool": request.tool, "principal": request.principal}


def _matches(record: Known, request: pb.ListExecutionsRequest) -> bool:
    return (
        request.state in (pb.EXECUTION_STATE_UNSPECIFIED, record.state)
        and request.tool in ("", record.tool)
        and request.principal in ("", record.principal)
    )


def _number(position: str) -> float:
    if not position:
        return math.inf
    # Whoever knows how tokens are made can make one; only digits are taken, and only a few.
    if not (position.isascii() and position.isdecimal() and len(position) <= 20):
        raise BadPageToken("is malformed")
    return int(position)
