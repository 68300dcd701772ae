"""
U: code that was uploaded, loaded by what loads it for the service.

Theory of operation.  Outside, the loader runs in a plain process: what the code does when it is
imported is done, and what it replaces stays replaced for whoever comes next.  In a cell it is the
same loader.  What it reads or writes is seen at the canaries; what it replaced would show in the
answers of the calls that come after, which are others' cells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from toolcell_server.battery.attack import Attack, Traces, generic_harm
from toolcell_server.battery.attacks.planting import TEXT
from toolcell_server.battery.ground import Call

if TYPE_CHECKING:
    from toolcell_server.battery.ground import Ground

FORGED: Final = "forged by an upload"


def _canary(ground: Ground) -> dict[str, Any]:
    """
    A file of others, which holds a secret.
    """
    return {"path": ground.plant("others.txt"), "text": TEXT}


def _after_a_patch(ground: Ground) -> dict[str, Any]:
    """
    A call of somebody else's, after an upload has replaced whatever answers.
    """
    ground.earlier.append(Call("uploads.patch_what_answers", {}))
    return {}


def _forged(ground: Ground, traces: Traces) -> list[str]:
    forged = [FORGED] if FORGED in traces.text else []
    return [*generic_harm(ground, traces), *(f"a call was answered: {said}" for said in forged)]


ATTACKS: Final = (
    Attack(
        id="U1",
        name="attack_when_imported",
        module="uploads",
        promise="what uploaded code does when it is imported stays in its cell",
        plan=_canary,
    ),
    Attack(
        id="U2",
        name="poison_an_init",
        module="uploads",
        promise="a package whose innocent module is called does its harm in its cell",
        plan=_canary,
    ),
    Attack(
        id="U3",
        name="answer",
        module="uploads",
        promise="what uploaded code replaces answers no call of anybody else",
        plan=_after_a_patch,
        harm=_forged,
    ),
    Attack(
        id="U4",
        name="start_an_interpreter_beside",
        module="uploads",
        promise="files of an upload for the start of an interpreter harm nobody",
        plan=_canary,
        programs=True,
    ),
)
