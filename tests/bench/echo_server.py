"""
The floor: a server of the same contract on the same stack that runs nothing.

`Run` answers at once; `Execute` streams the three events that every execution has.  Whatever
toolcell costs, it costs on top of this.  Prints its address as the real server does.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import grpc.aio
from toolcell.v1 import execution_pb2 as pb
from toolcell.v1 import execution_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

FINISHED = pb.Finished(outcome=pb.Outcome(completed=pb.Completed()), result_json=b"null")
EVENTS = (
    pb.ExecuteResponse(sequence=1, accepted=pb.Accepted(tool="nothing")),
    pb.ExecuteResponse(sequence=2, started=pb.Started(attempt=1)),
    pb.ExecuteResponse(sequence=3, finished=FINISHED),
)


class Echo(execution_pb2_grpc.ToolExecutionServiceServicer):
    """
    Answers without looking.
    """

    async def Run(self, request: pb.RunRequest, context: Any) -> pb.RunResponse:  # noqa: N802  # the contract's name
        return pb.RunResponse(call_id=request.call_id, finished=FINISHED)

    async def Execute(  # noqa: N802  # as above
        self, request: pb.ExecuteRequest, context: Any
    ) -> AsyncIterator[pb.ExecuteResponse]:
        for event in EVENTS:
            yield event


async def main() -> None:
    echo = Echo()  # type: ignore[abstract]  # the other methods answer UNIMPLEMENTED
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    execution_pb2_grpc.add_ToolExecutionServiceServicer_to_server(echo, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(json.dumps({"listening": f"127.0.0.1:{port}", "metrics": ""}), flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(main())
