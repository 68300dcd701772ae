"""
WorkflowService where the operator has switched it off: every method says so.
"""

from __future__ import annotations

from typing import Any, Final, NoReturn

import grpc
from toolcell.v1 import workflow_pb2 as pb

from toolcell_server.refusals import SwitchedOff

_SERVICE: Final = pb.DESCRIPTOR.services_by_name["WorkflowService"]


async def _refuse(_request: bytes, _context: Any) -> NoReturn:
    raise SwitchedOff("the use of workflows", "workflows.enabled = true in its settings")


def add_to(server: grpc.aio.Server) -> None:
    """
    Refuse its calls.
    """
    makers = {
        False: grpc.unary_unary_rpc_method_handler,
        True: grpc.unary_stream_rpc_method_handler,
    }
    handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
        method.name: makers[method.server_streaming](_refuse) for method in _SERVICE.methods
    }
    generic = grpc.method_handlers_generic_handler(_SERVICE.full_name, handlers)
    server.add_generic_rpc_handlers((generic,))
