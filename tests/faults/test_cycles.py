"""
Attacks and benign calls in turn, again and again, and then: nothing is left of them.

`CYCLES=1000` in the environment (`make cycles`) makes it a thousand.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from processes import Holdings, at_rest, settled

from faults.cycles import ATTACKS, KINDS, benign
from faults.place import Place, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

CYCLES = int(os.environ.get("CYCLES", "100"))
AT_ONCE = 4
SECONDS = 30.0
GROWTH_BYTES = 32 * 2**20  # arbitrary; journals and results of what ended are kept for an hour
GROWTH_BYTES_A_CYCLE = 64 * 1024


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Path]:
    """
    Where the server and its programs would leave temporary files.
    """
    folder = tmp_path / "scratch"
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(folder))
        yield folder


def cycle(place: Place, number: int) -> list[str]:
    """
    One attack and one benign call; what was not as it should be.
    """
    return [wrong for wrong in (KINDS[number % len(KINDS)](place), benign(place)) if wrong]


def cycled(place: Place, cycles: int) -> list[str]:
    with ThreadPoolExecutor(AT_ONCE) as threads:
        found = threads.map(lambda number: cycle(place, number), range(cycles))
        return [wrong for wrongs in found for wrong in wrongs]


def more(now: Holdings, before: Holdings) -> list[str]:
    """
    Of what there is more now.  Less is no leak: what was just ending is over.
    """
    found = [f"process {name}" for name in now.processes - before.processes]
    for role in now.descriptors.keys() | before.descriptors.keys():
        held = now.descriptors.get(role, Counter()) - before.descriptors.get(role, Counter())
        found += [f"{kind} of the {role}" for kind in held]
        if now.mounts.get(role, 0) > before.mounts.get(role, 0):
            found.append(f"mount of the {role}")
    found += [f"file {name}" for name in set(now.files) - set(before.files)]
    return found + ["thread"] * (now.threads > before.threads)


@pytest.mark.slow
@pytest.mark.timeout(120 + 2 * CYCLES)
def test_nothing_is_left_of_many_attacks_and_the_next_call_is_served(
    tmp_path: Path, scratch: Path
) -> None:
    """
    What one attack in a hundred leaves behind is what ends a service that runs for months.
    """
    mounts = Path("/proc/self/mountinfo").read_text()
    settings = f"max_executions = {AT_ONCE}\nqueue = 100"
    with serving(tmp_path, settings) as place:
        server = psutil.Process(place.pid)
        assert [] == cycled(place, 2 * len(KINDS))  # every slot and every path was used once
        quiet = at_rest(lambda: place.look(scratch), SECONDS)
        resident, began = server.memory_info().rss, time.monotonic()
        wrong = cycled(place, CYCLES)
        print(f"{CYCLES} cycles in {time.monotonic() - began:.1f} s")
        after = settled(lambda: place.look(scratch), lambda now: more(now, quiet) == [], SECONDS)
        grown = server.memory_info().rss - resident

        assert wrong == []
        assert [] == more(after, quiet)
        assert grown < GROWTH_BYTES + CYCLES * GROWTH_BYTES_A_CYCLE
        assert "" == benign(place)
        programs = server.children(recursive=True)
    gone, alive = psutil.wait_procs(programs, SECONDS)

    assert [] == alive
    assert len(programs) == len(gone)
    assert mounts == Path("/proc/self/mountinfo").read_text()


def test_what_an_attack_leaves_is_seen_while_it_lasts(tmp_path: Path, scratch: Path) -> None:
    """
    The positive control: daemons, descriptors and files are counted where there are some.
    """
    code, _, _ = ATTACKS["everything closed"]
    with serving(tmp_path) as place:
        assert "" == benign(place)
        quiet = at_rest(lambda: place.look(scratch), SECONDS)
        told = "context.progress(message='begun')\n" + code
        stream = place.client.execute("work", {"folder": str(place.root), "code": told})
        next(event for event in stream if event.HasField("progress"))
        (scratch / "left").touch()
        busy = place.look(scratch)
        stream.close()

    assert sum(quiet.processes.values()) < sum(busy.processes.values())
    assert quiet.descriptors["server"] != busy.descriptors["server"]
    assert quiet.files != busy.files
