"""
The battery can fail: it sees a breach, and it knows what proves nothing.
"""

from __future__ import annotations

import asyncio
import dataclasses
import subprocess
import sys
from typing import Any

import pytest
from toolcell_server.app import App
from toolcell_server.battery.attack import Attack, Traces
from toolcell_server.battery.attacks import network_names
from toolcell_server.battery.attacks.abroad import abroad
from toolcell_server.battery.attacks.planting import for_writing, outside
from toolcell_server.battery.cells import Cells
from toolcell_server.battery.ground import Call, Ground
from toolcell_server.battery.internet import GRANTED, OTHER
from toolcell_server.battery.program import settings
from toolcell_server.battery.running import Battery, NotHere
from toolcell_server.battery.session import Session
from toolcell_server.battery.verdict import BREACHED, HELD, VOID, Verdict

HELD_ATTACK = Attack(
    id="F1",
    name="read_a_file_that_anybody_may_read",
    module="files",
    promise="a file that was not granted cannot be read",
    plan=outside,
)


REDIRECTED = next(attack for attack in network_names.ATTACKS if attack.id == "N6")


def _run(*attacks: Attack) -> list[Verdict]:
    async def run(session: Session) -> list[Verdict]:
        application = App(settings(session))
        async with application.without_a_face() as admission:
            if failure := application.pool.unbuilt():
                raise failure
            battery = Battery(Cells(admission, application.executions), session)
            return [await battery.run(attack) for attack in attacks]

    with Session() as session:
        return asyncio.run(run(session))


def _granted(ground: Ground) -> dict[str, Any]:
    """
    The secret itself is granted: what the walls let through must be seen.
    """
    path = ground.plant_inside("secret.txt")
    ground.reads.append(path)
    return {"path": path}


def _granted_for_writing(ground: Ground) -> dict[str, Any]:
    """
    What the walls let be changed must be seen: the oracle below forgets the grant.
    """
    told = for_writing(ground)
    path = ground.plant_inside("writes/canary.txt")
    return {**told, "path": path, "text": "overwritten"}


def _harm_without_grants(ground: Ground, traces: Traces) -> list[str]:
    ground.writes.clear()
    return ground.damage()


def _other_host_granted(ground: Ground) -> dict[str, Any]:
    told = abroad(ground)
    ground.domains.append(ground.session.internet.url(host=OTHER))
    return told


def _granted_host_that_is_gone(ground: Ground) -> dict[str, Any]:
    told = abroad(ground)
    del ground.session.internet.names.zone[GRANTED]
    return told


def _forget_the_names(ground: Ground, traces: Traces) -> list[str]:
    ground.session.internet.names.zone.clear()
    return [] if traces.outcome == "completed" else ["harm"]


def _not_here(ground: Ground) -> dict[str, Any]:
    raise NotHere("nothing to plant it in")


def _nothing(ground: Ground) -> dict[str, Any]:
    return {"path": ground.plant("empty.txt", "nothing secret")}


def _with_neighbour(ground: Ground) -> dict[str, Any]:
    ground.beside = Call("information_channels.tell_by_locks", {"text": ground.token, "start": 0})
    return outside(ground)


def test_a_leak_from_a_cell_is_reported_as_a_breach() -> None:
    """
    The harmless looking attack reads what it was granted by mistake.
    """
    held, breached = _run(HELD_ATTACK, dataclasses.replace(HELD_ATTACK, plan=_granted))

    assert (HELD, ()) == (held.verdict, held.harm)
    assert breached.verdict == BREACHED
    assert "a secret got out" in breached.harm[0]


@pytest.mark.parametrize(
    ("attack_id", "times", "expected"),
    [("R1", 1, HELD), ("P1", 1, HELD), ("R1", 2, BREACHED), ("F1", 1, BREACHED)],
    ids=["a race lost once", "another", "a race lost twice", "no race"],
)
def test_only_a_race_may_be_lost_once(attack_id: str, times: int, expected: str) -> None:
    """
    A watchdog comes late on a busy host; a wall does not.
    """
    left = iter([True] * times)

    def harm(ground: Ground, traces: Traces) -> list[str]:
        in_a_cell = not traces.outcome.startswith("exit:")
        return ["harm"] if not in_a_cell or next(left, False) else []

    (verdict,) = _run(dataclasses.replace(HELD_ATTACK, id=attack_id, harm=harm))

    assert expected == verdict.verdict


def test_whatever_leaves_a_cell_without_a_grant_is_reported_as_a_breach() -> None:
    """
    The other host is granted by mistake, and the oracle is not told; or nothing at all is granted,
    so that what did not get out proves nothing.
    """
    held, breached, cut_off = _run(
        REDIRECTED,
        dataclasses.replace(REDIRECTED, plan=_other_host_granted),
        dataclasses.replace(REDIRECTED, plan=_granted_host_that_is_gone),
    )

    assert (HELD, ()) == (held.verdict, held.harm)
    assert [BREACHED, BREACHED] == [breached.verdict, cut_off.verdict]
    assert any(said.endswith("/smuggled of other.battery.test") for said in breached.harm)
    assert "it did not reach the host that it was granted" in cut_off.harm


def test_a_way_out_that_is_closed_to_everybody_is_reported_as_a_breach() -> None:
    """
    The harmless call after an attack on the network must reach its host, too.
    """
    (verdict,) = _run(dataclasses.replace(REDIRECTED, harm=_forget_the_names))

    assert verdict.verdict == BREACHED
    assert any("the granted host was not reached" in said for said in verdict.harm)


def test_damage_from_a_cell_is_reported_as_a_breach() -> None:
    """
    The oracle looks at the files, whatever the tool says.
    """
    attack = dataclasses.replace(
        HELD_ATTACK,
        name="overwrite_a_file_of_the_host",
        plan=_granted_for_writing,
        harm=_harm_without_grants,
    )
    (verdict,) = _run(attack)

    assert verdict.verdict == BREACHED
    assert any("canary.txt" in said for said in verdict.harm)


def test_what_proves_nothing_is_void() -> None:
    harmless, absent = _run(
        dataclasses.replace(HELD_ATTACK, plan=_nothing),
        dataclasses.replace(HELD_ATTACK, plan=_not_here),
    )

    assert [VOID, VOID] == [harmless.verdict, absent.verdict]
    assert absent.harm == ("nothing to plant it in",)


def test_an_attack_that_cannot_be_run_is_not_held() -> None:
    (verdict,) = _run(dataclasses.replace(HELD_ATTACK, name="no_such_function"))

    assert verdict.verdict != HELD


def test_a_neighbour_is_gone_when_its_attack_has_ended() -> None:
    """
    It would sleep for longer than this test may take.
    """
    (verdict,) = _run(dataclasses.replace(HELD_ATTACK, plan=_with_neighbour))

    assert (HELD, ()) == (verdict.verdict, verdict.harm)


def test_the_program_prints_a_line_for_an_attack_and_the_totals() -> None:
    done = _doctor("--battery", "--only", HELD_ATTACK.name)

    assert "held      F1   read_a_file_that_anybody_may_read" in done.stdout
    assert "attacks: 1 held" in done.stdout
    assert done.returncode == 0


def test_the_program_refuses_a_name_that_no_attack_has() -> None:
    done = _doctor("--battery", "--only", "F99")

    assert (2, "no attack is called 'F99'\n") == (done.returncode, done.stderr)


def test_a_choice_without_the_battery_is_refused() -> None:
    """
    Whoever forgets the other flag would take the list of walls for what the attacks found.
    """
    done = _doctor("--only", "F1")

    assert 2 == done.returncode
    assert "add --battery" in done.stderr


@pytest.mark.parametrize("forks", [False, True])
def test_a_control_runs_from_the_installed_package(forks: bool) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-B", "-m", "toolcell_worker.battery", "information.know"],
        input=f'{{"plan": {{"secret": "abc"}}, "forks": {str(forks).lower()}}}',
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == '{"result": 3, "earlier": []}\n'


def _doctor(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "toolcell_server", "doctor", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
