"""
What it costs to know who calls, whether he may, how often, and to keep the proof of it.
"""

from __future__ import annotations

import contextlib
import hashlib
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING

from bench import servers
from bench.bed import LOW_LOAD_PAUSE_SECONDS, in_turns, ratio
from bench.quantities import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bench.bed import Bed, Found
    from bench.quantities import Measured

HOSTILE = "mallory-fedcba9876543210fedcba9876543210"
TOKEN = "bench-0123456789abcdef0123456789abcdef"
PLAIN, GOVERNED = "Run, without governance", "Run, governed"
# Identity, rights, rates, durable idempotency and audit, each on.  A caller may hold half of the
# eight places of two cores, so that one who holds all he can leaves places to others.
SETTINGS = """
[[auth.tokens]]
name = "bench"
sha256 = "{digest}"
roles = ["caller"]

[[auth.tokens]]
name = "mallory"
sha256 = "{mallory}"
roles = ["caller"]

[[roles]]
name = "caller"
tools = ["nothing", "sleep"]

[[rates]]
tools = ["*"]
per = "principal_tool"
calls = ["1000000/minute"]
concurrency = 4

[audit]
folder = "{folder}/audit"
"""


def governance(bed: Bed, found: Found) -> None:
    """
    One call at a time: with everything on, and with all of it off, in turns.
    """
    state = bed.folder / "state"
    settings, flags = _settings(state)
    paused = partial(bed.load.calls, pause=LOW_LOAD_PAUSE_SECONDS)
    with (
        servers.toolcell(bed.folder, "plain") as plain,
        servers.toolcell(bed.folder, "governed", settings, flags=flags) as governed,
    ):
        subjects: dict[str, Callable[[float], Measured]] = {
            PLAIN: partial(paused, plain.target, "run", 1),
            GOVERNED: partial(paused, governed.target, "run", 1, token=TOKEN),
        }
        rounds = in_turns(subjects, bed.plan.rounds(16, 1.5))
    for name, each in rounds.items():
        found.number(name, 1, each)
    what = "Run p50 with identity, rights, rates, idempotency and audit / without"
    found.rows.append(Row(what=what, measured=ratio(rounds, GOVERNED, PLAIN), aim=1.15))


def beside_a_hostile_caller(bed: Bed, found: Found) -> None:
    """
    What a caller who means well notices of one who does not (`hostile_caller.py`).

    What a hostile program computes, it computes elsewhere; here it has the server's two cores.  So
    the row is about one that gives way to the server, and the number of one that does not is told
    beside it.
    """
    settings, flags = _settings(bed.folder / "hostile")
    alone, beside = "Run, alone", "Run, beside a hostile caller"
    crowded = "Run, beside a hostile caller that takes the server's processors"
    paused = partial(bed.load.calls, pause=LOW_LOAD_PAUSE_SECONDS, token=TOKEN)
    with servers.toolcell(bed.folder, "rivals", settings, flags=flags) as server:

        def bothered(seconds: float, *, yields: bool) -> Measured:
            with _hostile(server.target, yields=yields):
                return paused(server.target, "run", 1, seconds)

        subjects: dict[str, Callable[[float], Measured]] = {
            alone: partial(paused, server.target, "run", 1),
            beside: partial(bothered, yields=True),
            crowded: partial(bothered, yields=False),
        }
        rounds = in_turns(subjects, bed.plan.rounds(8, 4.0))
    for name, each in rounds.items():
        found.number(name, 1, each)
    what = "Run p99 beside a hostile caller / alone"
    found.rows.append(Row(what=what, measured=ratio(rounds, beside, alone, 0.99), aim=2.0))
    hard = ratio(rounds, crowded, alone, 0.99)
    found.facts.append((f"{what}, of one that takes the server's processors", f"{hard:.2f}"))


@contextlib.contextmanager
def _hostile(target: str, *, yields: bool) -> Iterator[None]:
    program = [sys.executable, "-m", "bench.hostile_caller", target, HOSTILE]
    leash = ["setpriv", "--pdeathsig", "KILL", *(["nice", "-n", "19"] if yields else [])]
    with subprocess.Popen([*leash, *program], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout
            process.stdout.readline()
            yield
        finally:
            process.kill()


def _settings(state: Path) -> tuple[str, tuple[str, ...]]:
    (state / "audit").mkdir(parents=True)
    state.chmod(0o700)
    digests = [hashlib.sha256(token.encode()).hexdigest() for token in (TOKEN, HOSTILE)]
    settings = SETTINGS.format(digest=digests[0], mallory=digests[1], folder=state)
    return settings, ("--set", f"state_dir={state}")
