"""
How functions are hosted.
"""

from __future__ import annotations

from typing import Final, TypedDict

from toolcell.v1 import registry_pb2

SCOPES: Final = {
    "": registry_pb2.TOOL_SCOPE_UNSPECIFIED,
    "principal": registry_pb2.TOOL_SCOPE_PRINCIPAL,
    "session": registry_pb2.TOOL_SCOPE_SESSION,
    "global": registry_pb2.TOOL_SCOPE_GLOBAL,
}


class HostOptions(TypedDict, total=False):
    """
    How functions are hosted.  At most `concurrency` calls run at once (8); `scope` is `principal`
    (the default), `session` or `global`; `host_id` is made up for each host unless it is given: a
    host with the id of another of the same principal takes its place.
    """

    concurrency: int
    scope: str
    host_id: str
