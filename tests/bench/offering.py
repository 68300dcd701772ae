"""
Open-loop load: calls arrive at their times, whatever became of those before.

A caller that waits for its answer lowers the load that it wanted to offer: under overload only an
open loop measures what callers see.  Latency is counted from when the call was *sent*; how late
the generator itself was is told beside it, because it shares the cores with what it measures.  For
the same reason it has a higher priority here, where it may: in a crowd of tools that burn, its own
turn comes late, and that is no caller's on a machine of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from dataclasses import dataclass, field
from typing import Any

import grpc.aio
from google.rpc import error_details_pb2, status_pb2
from toolcell.v1 import execution_pb2 as pb

from bench.load import REFUSED

DETAILS = "grpc-status-details-bin"
PRIORITY = -10


@dataclass
class Tally:
    """
    What became of the calls that were offered.  Times in seconds.
    """

    completed: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    details: list[bytes] = field(default_factory=list)  # of each refusal
    ended: list[float] = field(default_factory=list)  # when a call completed, since the beginning
    timed_out: int = 0  # accepted, and not ended in its time
    failures: list[str] = field(default_factory=list)
    late: list[float] = field(default_factory=list)


async def offer(
    stub: Any, *, rate: float, seconds: float, tool: str, arguments: str, patience: float
) -> dict[str, Any]:
    """
    Offer `rate` calls a second for so many seconds, each with `patience` seconds to end in.
    """
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, PRIORITY)
    tally = Tally()
    request = pb.RunRequest(tool=tool, arguments_json=arguments.encode())
    began = time.perf_counter()
    tasks = []
    for number in range(int(rate * seconds)):
        due = began + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tally.late.append(time.perf_counter() - due)
        tasks.append(asyncio.create_task(_one(stub, request, patience, tally, began)))
    await asyncio.gather(*tasks)
    os.setpriority(os.PRIO_PROCESS, 0, 0)
    without = sum(not _has_retry_info(details) for details in tally.details)
    return {
        "completed": tally.completed,
        "within": sum(ended <= seconds for ended in tally.ended),
        "refused": tally.refused,
        "without_retry_info": without,
        "timed_out": tally.timed_out,
        "failures": tally.failures,
        "late": tally.late,
    }


async def _one(stub: Any, request: pb.RunRequest, limit: float, tally: Tally, began: float) -> None:
    sent = time.perf_counter()
    try:
        answer: pb.RunResponse = await stub.Run(request, timeout=limit)
    except grpc.aio.AioRpcError as exc:
        elapsed = time.perf_counter() - sent
        if exc.code().name in REFUSED:
            tally.refused.append(elapsed)
            tally.details.append(_details(exc))
        elif exc.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
            tally.timed_out += 1
        else:
            tally.failures.append(f"{exc.code().name}: {exc.details()}")
        return
    ended = time.perf_counter()
    kind = answer.finished.outcome.WhichOneof("kind")
    if kind == "completed":
        tally.completed.append(ended - sent)
        tally.ended.append(ended - began)
    elif kind in ("cancelled", "exceeded"):  # its time was over while it waited, or ran
        tally.timed_out += 1
    else:
        tally.failures.append(answer.finished.outcome.message)


def _details(error: grpc.aio.AioRpcError) -> bytes:
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS and isinstance(value, bytes):
            return value
    return b""


def _has_retry_info(details: bytes) -> bool:
    kinds = (detail.type_url for detail in status_pb2.Status.FromString(details).details)
    return any(kind.endswith(error_details_pb2.RetryInfo.DESCRIPTOR.full_name) for kind in kinds)
