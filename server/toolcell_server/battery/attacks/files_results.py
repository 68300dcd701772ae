"""
Attacks on the server by swapped folders, by odd paths and by what is staged: F5, F15, F16.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolcell_server.battery.attack import ORDINARY, Attack, generic_harm
from toolcell_server.battery.attacks.files_links import REFUSED
from toolcell_server.battery.attacks.planting import TEXT
from toolcell_server.battery.traps import trap_harm

if TYPE_CHECKING:
    from toolcell_server.battery.attack import Traces
    from toolcell_server.battery.ground import Ground


def _swapped(ground: Ground) -> dict[str, Any]:
    """
    As soon as the attack runs, its folder is replaced by a link that leads out of the root.
    """
    folder, go = Path(ground.make_folder_inside("inner")), ground.make_folder_inside("signal")
    ground.plant_inside("inner/file.txt", "nothing secret")
    ground.plant("file.txt")
    ground.reads.append(go)

    def swap() -> None:
        folder.rename(f"{folder}-away")
        folder.symlink_to(ground.folder)
        Path(go, "now").touch()

    ground.when_ready = swap
    return {"path": f"{folder}/file.txt", "go": f"{go}/now", "text": TEXT}


def _swapped_while_staged(ground: Ground) -> dict[str, Any]:
    told = _swapped(ground)
    ground.stages.append(told["path"])
    return told


def _swapped_while_read(ground: Ground) -> dict[str, Any]:
    told = _swapped(ground)
    ground.reads.append(str(Path(told["path"]).parent))
    return told


def _harm_outside(ground: Ground, traces: Traces) -> list[str]:
    """
    What the swap itself changes in the root is no harm.
    """
    harm = generic_harm(ground, traces)
    return [said for said in harm if ground.folder in said or ground.token in said]


def _like_a_root(ground: Ground) -> dict[str, Any]:
    path = ground.plant_at(f"{ground.session.evil}/{ground.marker}")
    ground.reads.append(path)
    return {"path": path}


def _dotdot(ground: Ground) -> dict[str, Any]:
    ground.plant("public.txt")
    path = f"{ground.root}/../../{ground.marker}/outside/public.txt"
    ground.reads.append(path)
    return {"path": path}


def _ends_early(ground: Ground) -> dict[str, Any]:
    path = f"{ground.plant('public.txt')}\0/../../{ground.marker}"
    ground.reads.append(path)
    return {"path": path}


def _two_names(ground: Ground, granted: str, other: str) -> dict[str, Any]:
    paths = [ground.plant_inside(granted, "nothing secret"), ground.plant_inside(other)]
    ground.reads.append(paths[0])
    return {"paths": paths}


def _staged(ground: Ground) -> dict[str, Any]:
    """
    A new file may be staged in a folder of its own; there is a secret elsewhere.
    """
    path = f"{ground.make_folder_inside('out')}/staged"
    ground.stages.append(path)
    return {"path": path, "secret": ground.plant("private.txt", mode=0o600)}


def _harm_of_staged(ground: Ground, traces: Traces) -> list[str]:
    """
    The staged file may be there, as a plain file without the secret.
    """
    staged = Path(ground.stages[0])
    text = ""
    if staged.is_file() and not staged.is_symlink():
        with staged.open("rb") as file:
            text = file.read(1024).decode(errors="replace")
    folder = [f"a folder was put in place: {staged}"] if staged.is_dir() else []
    return [*trap_harm(ground, traces), *ground.leaks(text), *folder]


INVALID = frozenset({"refused:ARGUMENTS_INVALID"})
ATTACKS: tuple[Attack, ...] = (
    Attack(
        id="F5",
        name="write_where_the_folder_has_become_a_link",
        module="files_results",
        promise="a staged file is not put in place through a link that was swapped in meanwhile",
        plan=_swapped_while_staged,
        harm=_harm_outside,
        # The tool completed, and its staged file could not be put in place: so the contract.
        endings=frozenset({"lost:not_committed"}),
    ),
    Attack(
        id="F5",
        name="read_where_the_folder_has_become_a_link",
        module="files_results",
        promise="a granted folder stays what was admitted, whatever its path is made to mean",
        plan=_swapped_while_read,
        harm=_harm_outside,
    ),
    Attack(
        id="F15",
        name="ask_for_a_path_that_begins_like_a_root",
        module="files_results",
        promise="a path that begins like a root but lies beside it is refused",
        plan=_like_a_root,
        endings=REFUSED,
    ),
    Attack(
        id="F15",
        name="ask_for_a_path_with_dotdot",
        module="files_results",
        promise="a path with .. is refused",
        plan=_dotdot,
        endings=INVALID,
    ),
    Attack(
        id="F15",
        name="ask_for_a_path_that_ends_early",
        module="files_results",
        promise="a path with a NUL is refused",
        plan=_ends_early,
        endings=INVALID,
    ),
    Attack(
        id="F15",
        name="read_a_name_in_another_case",
        module="files_results",
        promise="a grant is for a name as it is written",
        plan=lambda ground: _two_names(ground, "Name.txt", "name.txt"),
    ),
    Attack(
        id="F15",
        name="read_a_name_in_another_form_of_unicode",
        module="files_results",
        promise="a grant is for the bytes of a name, not for how it looks",
        plan=lambda ground: _two_names(ground, "caf\u00e9.txt", "cafe\u0301.txt"),
    ),
    Attack(
        id="F16",
        name="stage_a_file_full_of_holes",
        module="files_results",
        promise="a file of holes is not made a full one by the server",
        plan=_staged,
        harm=_harm_of_staged,
        endings=ORDINARY | {"exceeded:file_size", "exceeded:disk"},
    ),
    Attack(
        id="F16",
        name="stage_many_files_beside",
        module="files_results",
        promise="only what was granted is put in place, nothing that lies beside it",
        plan=_staged,
        harm=_harm_of_staged,
    ),
    Attack(
        id="F16",
        name="stage_a_link_to_a_secret",
        module="files_results",
        promise="a link that is staged is neither followed nor put in place",
        plan=_staged,
        harm=_harm_of_staged,
        endings=ORDINARY,
    ),
    Attack(
        id="F16",
        name="stage_a_link_to_itself",
        module="files_results",
        promise="a link to itself is not followed",
        plan=_staged,
        harm=_harm_of_staged,
        endings=ORDINARY,
    ),
    Attack(
        id="F16",
        name="stage_a_folder",
        module="files_results",
        promise="a folder is not put in place of a file",
        plan=_staged,
        harm=_harm_of_staged,
        endings=ORDINARY,
    ),
    Attack(
        id="F14",
        name="stage_a_fifo",
        module="files_results",
        promise="the server does not hang on a fifo that is staged",
        plan=_staged,
        harm=_harm_of_staged,
        endings=ORDINARY,
    ),
    Attack(
        id="F14",
        name="stage_a_socket",
        module="files_results",
        promise="a socket is not put in place of a file",
        plan=_staged,
        harm=_harm_of_staged,
        endings=ORDINARY,
    ),
    Attack(
        id="F14",
        name="stage_a_program_that_runs_as_its_owner",
        module="files_results",
        promise="a staged file never runs as its owner",
        plan=_staged,
        harm=_harm_of_staged,
    ),
)
