"""
`python -m ablation.column COLUMN [NAME …]`: runs attacks in cells that lack some walls, and prints
one JSON line before and one after each: {"begun": name}, {"name", "verdict", "harm", "outcome"}.

Theory of operation.  This is a server without a face, whose bundle's interpreter takes the walls
away (`wrapping.py`).  What belongs to a wall on the server's side is taken away here: the watchdog,
the clean environment and the closed descriptors that a zygote is started with.  What the probe
finds is not asked: the report says that every wall is up, so that calls are admitted.

Attacks may end this very process: whoever starts it does so in namespaces of its own, and goes on
with the next attack (`__main__.py`).  After an attack that harmed it, it ends by itself, so that
the next one finds a fresh server.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from ablation import wrapping
from ablation.columns import walls_off
from toolcell.v1 import execution_pb2 as pb
from toolcell_server import hosting, program, watch
from toolcell_server.app import App
from toolcell_server.battery import catalogue
from toolcell_server.battery.cells import Cells
from toolcell_server.battery.program import BUNDLE, settings
from toolcell_server.battery.running import Battery, NotHere
from toolcell_server.battery.session import Session
from toolcell_server.battery.verdict import BREACHED, HELD, VOID
from toolcell_server.bundles import standing
from toolcell_server.isolation import ALL_WALLS, Isolation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolcell_server.battery.attack import Attack

SECONDS = 8.0  # arbitrary; an attack's, its neighbour's included
OTHERWISE = "held, but ended otherwise"
ENDINGS_COUNT = ("K", "S")
TIMED = ("P", "R")
SPENT = 3  # exit code: there is more to run


def main(column: str, names: Sequence[str]) -> int:
    """
    Run these attacks until one does harm; the exit code.
    """
    logging.getLogger("toolcell_server").setLevel(logging.CRITICAL)
    off = walls_off(column)
    attacks = [attack for attack in catalogue.ATTACKS if attack.function in names]
    with Session() as session, tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        _take_away(off, session)
        return asyncio.run(_run(attacks, session, wrapping.write(Path(folder), off)))


async def _run(attacks: Sequence[Attack], session: Session, python: str) -> int:
    given = settings(session)
    bundle = _changed(given.bundles[0], python=python)
    application = App(_changed(given, bundles=(bundle,)))
    async with application.without_a_face() as admission:
        if failure := application.pool._hostings[BUNDLE].failure:
            raise failure
        battery = Battery(Cells(admission, application.executions), session)
        for number, attack in enumerate(attacks):
            _say({"begun": attack.function})
            said = await _attack(battery, attack)
            _end_leftovers()
            if said["verdict"] == BREACHED and attack.id.startswith(TIMED):
                said = await _attack(battery, attack)  # a busy host delays the watchdog, too
                _end_leftovers()
            _say(said)
            if said["harm"] and number + 1 < len(attacks) and await _is_spent(battery):
                return SPENT
    return 0


async def _is_spent(battery: Battery) -> bool:
    """
    Whether the next attack must find a fresh server, because this one was harmed.
    """
    try:
        async with asyncio.timeout(SECONDS):
            return bool(await battery.cells.benign())
    except Exception:  # noqa: BLE001  # whatever it is, it does not go on
        return True


def _end_leftovers() -> None:
    """
    Kill what attacks have left: whoever outlives its cell becomes a child of process 1.
    """
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) not in {1, os.getpid()}:
            with contextlib.suppress(OSError):
                parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
                if parent == "1":
                    os.kill(int(folder.name), signal.SIGKILL)


async def _attack(battery: Battery, attack: Attack) -> dict[str, Any]:
    try:
        async with asyncio.timeout(SECONDS):
            traces, harm = await battery._cell(attack)
            benign = "" if harm else await battery.cells.benign()
    except NotHere as exc:
        return _line(attack, VOID, [str(exc)])
    except TimeoutError:
        return _line(attack, BREACHED, [f"it was not over after {SECONDS:g} s"])
    except Exception as exc:  # noqa: BLE001  # whatever it is, the service did not go on
        return _line(attack, BREACHED, [f"{type(exc).__name__}: {exc}"])
    if benign:
        harm.append(f"the service was harmed: {benign}")
    return _line(attack, _verdict(attack, harm, traces.outcome), harm, traces.outcome)


def _verdict(attack: Attack, harm: Sequence[str], outcome: str) -> str:
    """
    Whoever is stopped by another wall than usual may end otherwise: that is no harm.  Only where
    the ending is what the oracle sees, it counts.
    """
    if harm:
        return BREACHED
    expected = outcome in attack.endings or outcome.startswith("refused")
    if expected:
        return HELD
    return BREACHED if attack.id.startswith(ENDINGS_COUNT) else OTHERWISE


def _line(attack: Attack, verdict: str, harm: Sequence[str], outcome: str = "") -> dict[str, Any]:
    short = [said[:200] for said in harm[:3]]
    return {"name": attack.function, "verdict": verdict, "harm": short, "outcome": outcome}


def _say(line: dict[str, Any]) -> None:
    print(json.dumps(line), flush=True)


def _take_away(off: Sequence[str], session: Session) -> None:
    """
    The server's part of the walls; and what would refuse calls because walls are off.
    """
    vars(standing)["probing"] = SimpleNamespace(prove=_all_is_well)
    vars(hosting)["LONGEST_PAUSE_SECONDS"] = 0.2
    if "resources" in off:
        watch.Watch._judge = lambda *_: ""  # type: ignore[method-assign]
    if "environment" in off:
        program.ENVIRONMENT.update({**os.environ, **program.ENVIRONMENT})
    if "descriptors" in off:
        vars(program)["subprocess"] = _careless(session.inherited)


async def _all_is_well(*_: object) -> Isolation:
    up = [pb.WallReport(wall=wall, status=pb.WALL_STATUS_ACTIVE) for wall in ALL_WALLS]
    return Isolation.from_reports(up)


def _careless(inherited: Sequence[int]) -> SimpleNamespace:
    def start(command: list[str], *, pass_fds: tuple[int, ...], **further: Any) -> Any:
        return subprocess.Popen(command, pass_fds=(*pass_fds, *inherited), **further)

    names = {**vars(subprocess), "Popen": start}
    return SimpleNamespace(**names)


def _changed(value: Any, **fields: Any) -> Any:
    import dataclasses

    return dataclasses.replace(value, **fields)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
