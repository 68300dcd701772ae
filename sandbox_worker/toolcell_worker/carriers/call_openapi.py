"""
Carries operations of OpenAPI documents.
"""

from __future__ import annotations

from typing import Any

from toolcell_worker import Context, http_sending, tool
from toolcell_worker.openapi import answering, writing
from toolcell_worker.openapi.operation import Operation  # noqa: TC001  # read at run time

MAXIMUM_SECONDS = 300.0
# Of what a result may have: JSON writes a control character as six.
SHARE = 6


@tool(profile="net", effects="destructive", returns={})
def call_openapi(carried: Operation, arguments: dict[str, Any], context: Context) -> Any:
    """
    Call an operation of a registered API.

    Args:
        carried: Where it is, and how its request is written.
        arguments: Its arguments.
    """
    request = writing.request_of(carried, arguments)
    most = int(context.limits.get("result_bytes", 2**20)) // SHARE
    seconds = min(context.remaining(), MAXIMUM_SECONDS)
    response = http_sending.exchange(request, seconds, most)
    return answering.result_of(carried, request, response, most)
