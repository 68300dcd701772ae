"""
A server that notes where its time goes: `python -m bench.profiled_server FOLDER WAY [ARGUMENT]…`.

WAY is `marks`, for the stages of each call in the server, its zygotes and their cells (`marks.py`),
or `samples`, for which function has the processor.  The further arguments are the server's.

Samples are taken by SIGPROF, which comes with CPU time: a server that waits is not sampled.  The
handler runs between two bytecodes of the main thread, so what a C extension does counts for the
line that called it, and what gRPC's own threads do counts for the line at which the loop waits.
"""

from __future__ import annotations

import os

# As the server does, and for its reasons: before anything imports gRPC.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"

import atexit
import collections
import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench import marks

if TYPE_CHECKING:
    from types import FrameType

SAMPLE_SECONDS = 0.001
OURS = "toolcell_server"
# The stages in the server, outermost first: the first is the call.
ROOT = "toolcell_server.service:ExecutionService.run"
STAGES = (
    ROOT,
    "toolcell_server.admission:Admission.admit",
    "toolcell_server.admission:Admission._arguments",
    "toolcell_server.admission:compile_grant",
    "toolcell_server.executions:Executions.start",
    "toolcell_server.pool:Pool.open",
    "toolcell_server.warm_cells:WarmCells.take",
    "toolcell_server.lease:Lease.open",
    "toolcell_server.hold:Hold.warm",
    "toolcell_server.zygote:Zygote.spawn",
    "toolcell_server.channel:Channel.send_at_once",
    "toolcell_server.hearing:Hearing._take",
    "toolcell_server.attending:Attending._ending",
    "toolcell_server.zygote:Zygote._take",
    "toolcell_server.validation:Validation.check_result",
    "toolcell_server.hold:Hold.close",
    "toolcell_server.record:Record.append",
    "toolcell_server.record:Record.finish",
    "toolcell_server.record:Record.finished",
)
IN_ZYGOTE = (
    "\nif sys.argv[1] == 'zygote':"
    "\n    import importlib.util, os"
    "\n    found = importlib.util.spec_from_file_location('bench_marks', {source!r})"
    "\n    module = importlib.util.module_from_spec(found)"
    "\n    found.loader.exec_module(module)"
    "\n    module.in_zygote({folder!r} + f'/zygote-{{os.getpid()}}')\n"
)
Stack = tuple[str, str]  # the function that runs, and the innermost one of ours


def mark(folder: Path) -> None:
    """
    Make stages of the server's functions, and have its zygotes do so with theirs.
    """
    from toolcell_server import program

    noted = marks.Marks(str(folder / "server"))
    missing = [name for name in STAGES if not marks.wrap(noted, name)]
    (folder / "missing.json").write_text(json.dumps(missing))
    begin, end = program.BOOTSTRAP.split("from toolcell_worker.__main__", 1)
    ours = IN_ZYGOTE.format(source=marks.__file__, folder=str(folder))
    program.BOOTSTRAP = f"{begin}{ours}from toolcell_worker.__main__{end.replace('; ', chr(10))}"


def sample(folder: Path) -> None:
    """
    Count what runs, from SIGUSR2 on, and tell at the end.
    """
    counts: collections.Counter[Stack] = collections.Counter()

    def note(_: int, frame: FrameType | None) -> None:
        if frame is not None:
            counts[_stack(frame)] += 1

    def begin(*_: object) -> None:
        counts.clear()
        signal.setitimer(signal.ITIMER_PROF, SAMPLE_SECONDS, SAMPLE_SECONDS)

    def tell() -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        found = [[*stack, count] for stack, count in counts.most_common()]
        (folder / "samples.json").write_text(json.dumps(found))

    signal.signal(signal.SIGPROF, note)
    signal.signal(signal.SIGUSR2, begin)
    atexit.register(tell)


def _stack(frame: FrameType) -> Stack:
    here, each = _named(frame), frame
    while each.f_back is not None and not each.f_globals.get("__name__", "").startswith(OURS):
        each = each.f_back
    ours = each.f_globals.get("__name__", "").startswith(OURS)
    return here, _named(each) if ours else "(none of ours)"


def _named(frame: FrameType) -> str:
    return f"{frame.f_globals.get('__name__', '?')}:{frame.f_code.co_qualname}"


def main(folder: Path, way: str, arguments: list[str]) -> int:
    {"marks": mark, "samples": sample}[way](folder)
    from toolcell_server.__main__ import main as serve

    return serve(arguments)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))
