"""
`make profile`: where the time of a call goes.

Theory of operation.  Three servers, one after another, each called by one caller: as it is, for the
CPU time of each process; with marks, and with a pause after each call, for its stages across all
processes; and sampled, for what the server's own CPU time goes into.  What marks cost is told by
the first beside the second.  Where perf(1) is installed and may be used, it says what the kernel
does for all of them.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from processes import descendants, named
from running_server import LOCAL, start

from bench import marks, servers, timeline
from bench.bed import LOW_LOAD_PAUSE_SECONDS
from bench.generating import generating
from bench.profiled_server import ROOT as ROOT_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from running_server import Server

    from bench.generating import Generating
    from bench.timeline import Stage

ROOT = Path(__file__).parents[2]
CALL = ROOT_NAME.partition(":")[2]
TICKS = os.sysconf("SC_CLK_TCK")
LINES = 30


def profile(seconds: float, folder: Path) -> Iterator[str]:
    """
    The tables, in Markdown.
    """
    with generating() as load:
        yield from processors(load, seconds, folder)
        yield from stages(load, seconds, folder)
        yield from samples(load, seconds, folder)


def processors(load: Generating, seconds: float, folder: Path) -> Iterator[str]:
    """
    CPU time of each process, a call.
    """
    with servers.toolcell(folder, "plain") as server:
        load.calls(server.target, "run", 1, 1.0)
        before = _consumed(server, load)
        measured = load.calls(server.target, "run", 1, seconds)
        after = _consumed(server, load)
        with _perf(folder, seconds) as report:  # which costs much itself
            load.calls(server.target, "run", 1, seconds)
    count = len(measured.seconds) + 1  # one warms up
    yield f"## CPU of each process, {count} calls, p50 {measured.quantile(0.5) * 1000:.0f} us"
    yield from ("", "| process | us a call | share |", "| --- | --- | --- |")
    each = {name: (after[name] - before.get(name, 0.0)) / count * 1e6 for name in after}
    for name, used in each.items():
        yield f"| {name} | {used:.0f} | {used / sum(each.values()):.0%} |"
    yield f"| together | {sum(each.values()):.0f} | |"
    yield from report()


def _consumed(server: Server, load: Generating) -> dict[str, float]:
    """
    Seconds of CPU so far.  Cells are those that were waited for: the inner zygotes' children.
    """
    found: dict[str, float] = {}
    pid = server.process.pid
    found["load generator"] = _own(load.process.pid)
    found["server"] = _own(pid)
    outer = named(pid, "zygote")
    inner = [each for one in outer for each in descendants(one)[:1]]
    found["zygotes"] = sum(map(_own, [*outer, *inner]))
    found["cells"] = sum(_of_children(each) for each in inner)
    rest = set(descendants(pid)) - {each for one in outer for each in (one, *descendants(one))}
    found["keeper and others"] = sum(map(_own, rest))
    return found


def _stat(pid: int) -> list[str]:
    with contextlib.suppress(FileNotFoundError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return ["0"] * 20


def _own(pid: int) -> float:
    return (int(_stat(pid)[11]) + int(_stat(pid)[12])) / TICKS


def _of_children(pid: int) -> float:
    return (int(_stat(pid)[13]) + int(_stat(pid)[14])) / TICKS


@contextlib.contextmanager
def _perf(folder: Path, seconds: float) -> Iterator[Callable[[], Iterator[str]]]:
    """
    What the whole machine does meanwhile; the value tells it, once it is over.
    """
    data = folder / "perf.data"
    if not shutil.which("perf"):
        yield lambda: iter(("", "perf is not installed: nothing is known of the kernel."))
        return
    recording = ["perf", "record", "-q", "-a", "-e", "cpu-clock", "-F", "1999", "-o", str(data)]
    with subprocess.Popen(
        [*recording, "--", "sleep", str(seconds)], stderr=subprocess.DEVNULL
    ) as process:
        yield lambda: _perf_told(data)
        process.wait()


def _perf_told(data: Path) -> Iterator[str]:
    command = ["perf", "report", "-q", "--stdio", "--no-children", "-i", str(data)]
    command += ["--sort", "dso,symbol", "--percent-limit", "0.5"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    words = (line.split() for line in answer.stdout.splitlines() if "%" in line)
    lines = [f"{each[0]:>7} {each[1]:24} {' '.join(each[3:]).rstrip(' -')}" for each in words]
    yield from ("", "## The whole machine, by perf", "", "```")
    yield from lines[:LINES] or [answer.stderr.strip() or "perf may not be used here"]
    yield "```"


def stages(load: Generating, seconds: float, folder: Path) -> Iterator[str]:
    """
    The stages of a call, in the order in which they begin.
    """
    with _profiled(folder, "marks") as server:
        measured = load.calls(server.target, "run", 1, seconds, pause=LOW_LOAD_PAUSE_SECONDS)
    own = next(marks.regions((folder / "server").read_bytes()))
    others = [
        region for path in folder.glob("zygote-*") for region in marks.regions(path.read_bytes())
    ]
    of_call, ahead, total = timeline.stages(own, others, CALL)
    yield from ("", f"## Stages of a call: {total:.0f} us in the server, with marks")
    client = measured.quantile(0.5) * 1000
    yield from ("", f"The caller waits {client:.0f} us: gRPC takes {client - total:.0f} us.", "")
    yield from ("| part | us | share |", "| --- | --- | --- |")
    for name, taken in timeline.parts(of_call, total):
        yield f"| {name} | {taken:.0f} | {taken / total:.0%} |"
    yield from ("", "## Each stage, in every process; stages overlap", "")
    yield from _table(of_call, total)
    yield from ("", "## What its cell did before the call", "")
    yield from _table(ahead, total)
    if missing := json.loads((folder / "missing.json").read_text()):
        yield from ("", f"Not found, and not marked: {', '.join(missing)}.")


def _table(found: Sequence[Stage], total: float) -> Iterator[str]:
    yield "| in | stage | after us | takes us | CPU us | share |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for each in found:
        times = f"{each.after:.0f} | {each.wall:.0f} | {each.cpu:.0f} | {each.wall / total:.1%}"
        yield f"| {each.where} | {each.what} | {times} |"


def samples(load: Generating, seconds: float, folder: Path) -> Iterator[str]:
    """
    What the server's CPU time goes into: by the function that runs, and by ours that led there.
    """
    with _profiled(folder, "samples") as server:
        load.calls(server.target, "run", 1, 1.0)
        server.process.send_signal(signal.SIGUSR2)
        load.calls(server.target, "run", 1, seconds)
    found = json.loads((folder / "samples.json").read_text())
    running: Counter[str] = Counter()
    ours: Counter[str] = Counter()
    for here, owner, count in found:
        running[here] += count
        ours[owner] += count
    for title, counts in (("that runs", running), ("of ours that led there", ours)):
        total = max(1, counts.total())
        yield from ("", f"## The server's CPU time, by the function {title}", "")
        yield from ("| function | share |", "| --- | --- |")
        yield from (f"| {name} | {n / total:.1%} |" for name, n in counts.most_common(LINES))


def _profiled(folder: Path, way: str) -> Server:
    settings = folder / f"{way}.toml"
    settings.write_text(f"[server]\n{LOCAL}\n{servers.BUNDLE.format(tools=servers.TOOLS)}")
    command = [sys.executable, "-m", "bench.profiled_server", str(folder), way]
    return start([*command, "--settings", str(settings)], folder / f"{way}.log")


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="profile", description="where the time of a call goes")
    parser.add_argument("--seconds", type=float, default=10, help="of each part (default 10)")
    parser.add_argument("--out", type=Path, help="write profile.md into this folder, too")
    given = parser.parse_args(arguments)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        text = "\n".join(profile(given.seconds, Path(folder)))
    text = f"# Where the time of a call goes\n\nWritten by `make profile`.\n\n{text}\n"
    print(text, f"{time.monotonic() - began:.0f} s", sep="\n")
    if given.out:
        given.out.mkdir(parents=True, exist_ok=True)
        (given.out / "profile.md").write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
