"""
Live streams, a client that dies, and the metrics of it all.
"""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from typing import TYPE_CHECKING

from toolcell.v1 import execution_pb2 as pb

if TYPE_CHECKING:
    from toolcell_client import Client, Result

    from demo.report import Report
    from demo.server import Served

# Reads a few events of a long execution, says which, and then waits to be killed.
DYING_CLIENT = """
import sys, time
from toolcell_client import Client
with Client(sys.argv[1]) as client:
    for event in client.execute("count_slowly", {"to": 40}):
        if event.sequence == 6:
            print(event.execution_id, event.sequence, flush=True)
            time.sleep(60)
"""
SHOWN = (
    "toolcell_executions_total",
    "toolcell_refusals_total",
    "toolcell_cells",
    "toolcell_isolation_level",
    "toolcell_wall_status",
    "grpc_server_handled_total",
)


def show_streams(client: Client, report: Report) -> None:
    """
    A Python tool, and one that is none, as they go.
    """
    report.title("a Python tool: live output, progress, partial values")
    seen = follow(client, "forecast", {"city": "Oslo", "days": 3}, report)
    for kind in ("output", "progress", "partial"):
        report.check(f"{kind} came while it ran", expected=True, actual=kind in seen)
    report.title("a shell script: live output, result on descriptor 3")
    seen = follow(client, "tally", {"text": "one\nthree\nseven"}, report)
    report.check("output came while it ran", expected=True, actual="output" in seen)
    report.title("a command tool that is built in")
    result = client.run("text_stats", {"text": "to be or not to be"})
    report.check("text_stats ended", expected="completed", actual=result.label)
    report.tell(f"result {result.value}")


def follow(client: Client, tool: str, arguments: dict[str, object], report: Report) -> list[str]:
    """
    Print the events of one execution; the kinds that came before its end.
    """
    kinds = []
    stream = client.execute(tool, arguments)
    for event in stream:
        kind = str(event.WhichOneof("event"))
        kinds.append(kind)
        match kind:
            case "output":
                report.tell(f"output   {event.output.data.decode().strip()!r}")
            case "progress":
                report.tell(f"progress {event.progress.fraction:.0%} {event.progress.message}")
            case "partial":
                report.tell(f"partial  {event.partial.value_json.decode()}")
    result = stream.result()
    report.check(f"{tool} ended", expected="completed", actual=result.label)
    tell_result(result, report)
    return kinds


def tell_result(result: Result, report: Report) -> None:
    """
    The result with its usage and the walls that were up.
    """
    usage, isolation = result.usage, result.isolation
    cpu = usage.cpu_user.ToTimedelta() + usage.cpu_system.ToTimedelta()
    report.tell(f"result   {result.value}")
    report.tell(
        f"usage    cpu {cpu.total_seconds():.3f} s, memory {usage.memory_peak_bytes >> 20} MiB, "
        f"wall {usage.wall.ToTimedelta().total_seconds():.3f} s, stdout {usage.stdout_bytes} bytes"
    )
    assert isolation is not None
    up = [w for w in isolation.walls if w.status == pb.WALL_STATUS_ACTIVE]
    report.tell(f"walls    {pb.IsolationLevel.Name(isolation.level)}, {len(up)} active")
    for wall in isolation.walls:
        if wall.status != pb.WALL_STATUS_ACTIVE:
            report.tell(f"         {pb.Wall.Name(wall.wall)}: {wall.reason}")
    strong = isolation.level >= pb.ISOLATION_LEVEL_STRONG
    report.check("isolation is strong or full", expected=True, actual=strong)


def show_reattach(client: Client, served: Served, report: Report) -> None:
    """
    Kill a client in the middle of its stream, and read on from where it was.
    """
    report.title("a client is killed mid-stream; another reads on without losing an event")
    dying = subprocess.Popen(
        [sys.executable, "-c", DYING_CLIENT, served.target], stdout=subprocess.PIPE, text=True
    )
    assert dying.stdout is not None
    execution_id, sequence = dying.stdout.readline().split()
    dying.kill()
    dying.wait()
    dying.stdout.close()
    report.tell(f"killed after event {sequence}")
    stream = client.watch(execution_id, int(sequence))
    sequences, output = [], b""
    for event in stream:
        sequences += [event.sequence]
    first = int(sequence) + 1
    expected = list(range(first, first + len(sequences)))
    report.check("events are without a gap", expected=True, actual=expected == sequences)
    whole = client.watch(execution_id)
    for event in whole:
        output += event.output.data
    counted = [int(line) for line in output.split()]
    report.check("all it printed is there", expected=True, actual=counted == list(range(1, 41)))
    report.check("it ended", expected="completed", actual=whole.result().label)


def show_metrics(served: Served, report: Report) -> None:
    """
    What Prometheus would scrape now.
    """
    report.title("the metrics of all that")
    with urllib.request.urlopen(f"http://{served.metrics}/metrics", timeout=10) as response:
        text = response.read().decode()
    for line in text.splitlines():
        if line.startswith(SHOWN) and not line.endswith(" 0.0") and "_created" not in line:
            report.tell(line)
    for outcome in ("completed", "exceeded_memory", "exceeded_processes", "exceeded_wall"):
        counted = f'outcome="{outcome}"' in text
        report.check(f"{outcome} is counted", expected=True, actual=counted)
