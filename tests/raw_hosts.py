"""
Hosts without the client library: what a program may say, and what it may not.
"""

from __future__ import annotations

import contextlib
import json
import queue
import threading
import uuid
from typing import TYPE_CHECKING, Any

import grpc
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from toolcell.v1 import host_pb2 as pb
from toolcell.v1.host_pb2_grpc import ToolHostServiceStub
from waiting import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Self

SECONDS = min(50, 20 * PATIENCE)  # sooner than pytest gives up, which says less


def manifest(name: str = "look_up", **keys: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}}
    return {"name": name, "description": "Looks up.", "parameters": parameters, **keys}


def offer(*manifests: dict[str, Any], **fields: Any) -> pb.HostToolsRequest:
    tools = [pb.HostedTool(manifest_json=json.dumps(each).encode()) for each in manifests]
    fields.setdefault("host_id", uuid.uuid4().hex)
    return pb.HostToolsRequest(offer=pb.HostOffer(tools=tools, **fields))


class RawHost:
    """
    One stream.  It answers heartbeats as long as `alive`; `code` and `reason` are how it ended.
    One that is `deaf` reads nothing at all, and its connection fills.
    """

    def __init__(self, target: str, token: str = "", *, deaf: bool = False) -> None:
        self.alive = True
        self.code = self.reason = self.message = ""
        self._out: queue.Queue[pb.HostToolsRequest | None] = queue.Queue()
        self._in: queue.Queue[pb.HostToolsResponse | None] = queue.Queue()
        self._channel = grpc.insecure_channel(target)
        metadata = [("authorization", f"Bearer {token}")] if token else []
        stub: Any = ToolHostServiceStub(self._channel)
        self._stream = stub.HostTools(iter(self._out.get, None), metadata=metadata)
        self._reader = threading.Thread(target=self._read, daemon=True)
        if not deaf:
            self._reader.start()

    def say(self, *said: pb.HostToolsRequest) -> None:
        for each in said:
            self._out.put(each)

    def of(self, call: int, **said: Any) -> None:
        self.say(pb.HostToolsRequest(call=call, **said))

    def completes(self, call: int, value: Any = None) -> None:
        data = json.dumps(value).encode()
        self.of(call, completed=pb.HostedCompleted(result_json=data))

    def hears(self, kind: str) -> pb.HostToolsResponse:
        """
        The next one of that kind; others are skipped.
        """
        while True:
            said = self._in.get(timeout=SECONDS)
            assert said is not None, f"the stream ended: {self.code} {self.reason} {self.message}"
            if said.WhichOneof("message") == kind:
                return said

    def offers(self, *manifests: dict[str, Any], **fields: Any) -> pb.HostWelcome:
        self.say(offer(*manifests, **fields))
        return self.hears("welcome").welcome

    def ended(self) -> tuple[str, str]:
        """
        Wait for the end: the status code and the reason.
        """
        self._reader.join(SECONDS)
        assert not self._reader.is_alive(), "the stream goes on"
        return self.code, self.reason

    def close(self) -> None:
        self._out.put(None)
        self._stream.cancel()
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self) -> None:
        try:
            for said in self._stream:
                if said.HasField("heartbeat") and self.alive:
                    self.say(pb.HostToolsRequest(heartbeat=said.heartbeat))
                self._in.put(said)
            self.code = "OK"
        except grpc.RpcError as exc:
            error: Any = exc
            self.code, self.message = error.code().name, error.details() or ""
            self.reason = _reason(error)
        finally:
            self._in.put(None)


def _reason(error: Any) -> str:
    info = ErrorInfo()
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            for detail in Status.FromString(value).details:
                detail.Unpack(info)
    return str(info.reason)


def refused(target: str, token: str, said: pb.HostToolsRequest) -> tuple[str, str, str]:
    """
    How an offer, or what comes in its place, is refused.
    """
    with RawHost(target, token) as host:
        host.say(said)
        return *host.ended(), host.message


@contextlib.contextmanager
def beside(work: Callable[[], Any]) -> Iterator[queue.Queue[Any]]:
    """
    Work that goes on in a thread; what it returns, or raises, comes out of the queue.
    """
    results: queue.Queue[Any] = queue.Queue()

    def body() -> None:
        try:
            results.put(work())
        except Exception as exc:  # noqa: BLE001  # for whoever looks
            results.put(exc)

    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    yield results
    thread.join(SECONDS)
    assert not thread.is_alive(), "the call goes on"
