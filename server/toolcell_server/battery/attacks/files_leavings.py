"""
Attacks on later calls by what an earlier one leaves, and programs brought along: F17 to F19.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolcell_server.battery.attack import Attack, generic_harm
from toolcell_server.battery.attacks.planting import for_writing
from toolcell_server.battery.ground import Call

if TYPE_CHECKING:
    from toolcell_server.battery.attack import Traces
    from toolcell_server.battery.ground import Ground

SHARED = ("/tmp", "/dev/shm", "/var/tmp", "/run", "/run/lock", "/dev/mqueue")  # noqa: S108  # the host's


def _left_behind(ground: Ground) -> dict[str, Any]:
    for folder in SHARED:
        ground.claim(f"{folder}/{ground.marker}")
    told = {"name": ground.marker, "text": ground.token}
    ground.earlier.append(Call("files_leavings.leave_files", told))
    return {"name": ground.marker}


def _changed_before(ground: Ground) -> dict[str, Any]:
    told = {"text": ground.token}
    ground.earlier.append(Call("files_leavings.change_the_interpreter", told))
    return {}


def _later_interpreters(ground: Ground) -> dict[str, Any]:
    from importlib.util import find_spec
    from sysconfig import get_paths

    folders = {str(Path(str(find_spec("toolcell_server.app").origin)).parent)}  # type: ignore[union-attr]
    for folder in {*get_paths().values(), *folders}:
        for name in (f"{ground.marker}.pth", f"{ground.marker}.py"):
            ground.claim(f"{folder}/{name}")
        ground.claim(f"{folder}/__pycache__/{ground.marker}.pyc")
    return {"marker": ground.marker, "folders": sorted(folders)}


def _word(ground: Ground) -> dict[str, Any]:
    """
    A word that a program which ran turns around.
    """
    word = secrets.token_hex(16)
    ground.secrets.append(word[::-1])
    return {**for_writing(ground), "word": word}


def _word_and_program(ground: Ground) -> dict[str, Any]:
    told = _word(ground)
    program = Path(told["folder"], "program")
    program.write_bytes(Path("/bin/echo").read_bytes())
    program.chmod(0o755)
    return {**told, "program": str(program)}


def _loaded(ground: Ground, traces: Traces) -> list[str]:
    loaded = traces.result if isinstance(traces.result, list) else []
    return [*generic_harm(ground, traces), *(f"was loaded: {name}" for name in loaded)]


ATTACKS: tuple[Attack, ...] = (
    Attack(
        id="F17",
        name="find_what_an_earlier_call_left",
        module="files_leavings",
        promise="no file of an earlier call is there, in /tmp, /dev/shm or anywhere",
        plan=_left_behind,
    ),
    Attack(
        id="F18",
        name="use_an_interpreter_that_was_changed",
        module="files_leavings",
        promise="what a call does to the interpreter is gone with it",
        plan=_changed_before,
    ),
    Attack(
        id="F18",
        name="plant_code_for_later_interpreters",
        module="files_leavings",
        promise="no file can be left that a later interpreter runs",
        plan=_later_interpreters,
        needs_root=True,
    ),
    Attack(
        id="F19",
        name="run_a_program_from_scratch",
        module="files_leavings",
        promise="no program runs from where the tool may write",
        plan=_word,
        programs=True,
    ),
    Attack(
        id="F19",
        name="run_a_program_from_a_granted_folder",
        module="files_leavings",
        promise="no program runs from what was granted",
        plan=_word_and_program,
        programs=True,
    ),
    Attack(
        id="F19",
        name="run_a_program_by_the_loader",
        module="files_leavings",
        promise="the dynamic loader runs nothing that may not be executed",
        plan=_word,
        programs=True,
    ),
    Attack(
        id="F19",
        name="run_a_program_from_memory",
        module="files_leavings",
        promise="no program runs without a path",
        plan=_word,
        programs=True,
    ),
    Attack(
        id="F19",
        name="map_a_library_from_scratch",
        module="files_leavings",
        promise="no machine code is loaded from where the tool may write",
        plan=_word,
        harm=_loaded,
    ),
)
