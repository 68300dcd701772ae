"""
What it costs to know who calls, whether he may, how often, and to keep the proof of it.
"""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING

from bench import servers
from bench.bed import LOW_LOAD_PAUSE_SECONDS, in_turns, ratio
from bench.quantities import Row

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.bed import Bed, Found
    from bench.quantities import Measured

TOKEN = "bench-0123456789abcdef0123456789abcdef"
PLAIN, GOVERNED = "Run, without governance", "Run, governed"
# Identity, rights, rates, durable idempotency and audit, each on, and none in the way.
SETTINGS = """
[[auth.tokens]]
name = "bench"
sha256 = "{digest}"
roles = ["caller"]

[[roles]]
name = "caller"
tools = ["*"]

[[rates]]
tools = ["*"]
per = "principal_tool"
calls = ["1000000/minute"]
concurrency = 1000

[audit]
folder = "{folder}/audit"
"""


def governance(bed: Bed, found: Found) -> None:
    """
    One call at a time: with everything on, and with all of it off, in turns.
    """
    state = bed.folder / "state"
    (state / "audit").mkdir(parents=True)
    state.chmod(0o700)
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    settings = SETTINGS.format(digest=digest, folder=state)
    flags = ("--set", f"state_dir={state}")
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
