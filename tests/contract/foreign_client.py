"""
A client as a stranger writes it: stubs of their own from our .proto, grpc, and nothing of ours.

Prints each event of one Execute call as one line: its kind; the last one with the result.
Run by test_foreign_stubs.py as `python foreign_client.py HOST:PORT TOOL ARGUMENTS_JSON`.
"""

import sys

import grpc
from toolcell.v1 import execution_pb2, execution_pb2_grpc

SECONDS = 20


def main(target: str, tool: str, arguments: str) -> None:
    with grpc.insecure_channel(target) as channel:
        stub = execution_pb2_grpc.ToolExecutionServiceStub(channel)
        request = execution_pb2.ExecuteRequest(tool=tool, arguments_json=arguments.encode())
        for event in stub.Execute(request, timeout=SECONDS):
            kind = event.WhichOneof("event")
            print(event.sequence, kind)
            if kind == "finished":
                finished = event.finished
                print(finished.outcome.WhichOneof("kind"), finished.result_json.decode())


main(*sys.argv[1:])
