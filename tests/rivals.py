"""
Two callers with good tokens, of whom one is hostile; and a server that knows both.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from running_server import Server, start_server
from toolcell.v1 import execution_pb2 as pb
from toolcell.v1 import registry_pb2_grpc
from toolcell.v1.execution_pb2_grpc import ToolExecutionServiceStub

if TYPE_CHECKING:
    from pathlib import Path

ALICE, MALLORY = "alice-" + "0123456789abcdef" * 2, "mallory-" + "fedcba9876543210" * 2
TOOL = '''
import secrets
import time

from toolcell_worker import tool


@tool(effects="read_only", cache_ttl_seconds=60)
def draw() -> str:
    """Draws a secret."""
    return secrets.token_hex(8)


@tool(effects="read_only")
def wait(seconds: float) -> str:
    """Waits, and then has a secret."""
    print("begun", flush=True)
    time.sleep(seconds)
    return "alice's secret"


@tool(approval="approve")
def pay(amount: int) -> str:
    """Pays."""
    return "paid"


@tool(effects="read_only")
def alices() -> str:
    """Is for alice alone."""
    return "hers"
'''
SETTINGS: Final = """
[[auth.tokens]]
name = "alice"
sha256 = "{alice}"
roles = ["user", "owner"]

[[auth.tokens]]
name = "mallory"
sha256 = "{mallory}"
roles = ["user"]

[[roles]]
name = "user"
tools = ["draw", "wait", "calculate", "pay"]

[[roles]]
name = "owner"
tools = ["alices"]

[[bundles]]
name = "mine"
path = "{bundle}"

[builtin]
enabled = true
"""


class Caller:
    """
    One of the two, on a connection of its own.
    """

    def __init__(self, target: str, token: str) -> None:
        self.channel = grpc.insecure_channel(target)
        self.stub: Any = ToolExecutionServiceStub(self.channel)
        self.tools: Any = registry_pb2_grpc.ToolRegistryServiceStub(self.channel)
        self.metadata = (("authorization", f"Bearer {token}"),)

    def run(self, tool: str, arguments: object = None, **fields: Any) -> pb.RunResponse:
        request = pb.RunRequest(
            tool=tool, arguments_json=json.dumps(arguments or {}).encode(), **fields
        )
        answer: pb.RunResponse = self.stub.Run(request, timeout=30, metadata=self.metadata)
        return answer

    def refused(self, method: str, request: Any, metadata: Any = None) -> tuple[str, str, str]:
        """
        Code, reason and message of what must be refused.
        """
        call = getattr(self.stub, method)
        try:
            answer = call(request, timeout=30, metadata=metadata or self.metadata)
            if not hasattr(answer, "DESCRIPTOR"):
                list(answer)
        except grpc.RpcError as exc:
            return told(exc)
        raise AssertionError(f"{method} was not refused")


def details(error: Any) -> error_details_pb2.ErrorInfo:
    status = rpc_status.from_call(error)
    info = error_details_pb2.ErrorInfo()
    for detail in status.details if status else ():
        if detail.Is(info.DESCRIPTOR):
            detail.Unpack(info)
    return info


def told(error: Any) -> tuple[str, str, str]:
    return error.code().name, details(error).reason, error.details()


def serve(folder: Path) -> Server:
    """
    A server that knows both, with all that it keeps in a folder.
    """
    folder.chmod(0o755)
    bundle, state = folder / "bundle", folder / "state"
    bundle.mkdir()
    state.mkdir(mode=0o700)
    (bundle / "tools.py").write_text(TOOL)
    tokens = {"alice": ALICE, "mallory": MALLORY}
    digests = {name: hashlib.sha256(token.encode()).hexdigest() for name, token in tokens.items()}
    settings = SETTINGS.format(bundle=bundle, **digests)
    # What they have left running is nobody's when the test file is over.
    soon = "drain_seconds = 1"
    return start_server(folder, settings, server=soon, flags=("--set", f"state_dir={state}"))
