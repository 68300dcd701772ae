"""
The floor: a server of the same contract on the same stack that runs nothing.

`Run` answers at once; `Execute` streams the three events that every execution has.  Whatever
toolcell costs, it costs on top of this.  Two tools are told apart, because their answers are large:
`make` gets a result of the size that it asks for, `flood` as many bytes of output, 64 KiB at a
time.  Prints its address as the real server does.
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

PIECE = 65536
RECEIVED_BYTES = 16 * 2**20  # as toolcell
FINISHED = pb.Finished(outcome=pb.Outcome(completed=pb.Completed()), result_json=b"null")
STARTING = (
    pb.ExecuteResponse(sequence=1, accepted=pb.Accepted(tool="nothing")),
    pb.ExecuteResponse(sequence=2, started=pb.Started(attempt=1)),
)
ENDING = pb.ExecuteResponse(sequence=3, finished=FINISHED)
OUTPUT = pb.ExecuteResponse(
    output=pb.Output(stream=pb.OUTPUT_STREAM_STDOUT, data=b"x" * PIECE), sequence=3
)


class Echo(execution_pb2_grpc.ToolExecutionServiceServicer):
    """
    Answers without looking.
    """

    async def Run(self, request: pb.RunRequest, context: Any) -> pb.RunResponse:  # noqa: N802  # the contract's name
        answer = pb.RunResponse(call_id=request.call_id, finished=FINISHED)
        if request.tool == "make":
            size = json.loads(request.arguments_json)["size"]
            answer.finished.result_json = b'"' + b"x" * size + b'"'
        return answer

    async def Execute(  # noqa: N802  # as above
        self, request: pb.ExecuteRequest, context: Any
    ) -> AsyncIterator[pb.ExecuteResponse]:
        for event in STARTING:
            yield event
        if request.tool == "flood":
            for _ in range(json.loads(request.arguments_json)["count"] // PIECE):
                yield OUTPUT
        yield ENDING


async def main() -> None:
    echo = Echo()  # type: ignore[abstract]  # the other methods answer UNIMPLEMENTED
    options = [("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", RECEIVED_BYTES)]
    server = grpc.aio.server(options=options)
    execution_pb2_grpc.add_ToolExecutionServiceServicer_to_server(echo, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(json.dumps({"listening": f"127.0.0.1:{port}", "metrics": ""}), flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(main())
