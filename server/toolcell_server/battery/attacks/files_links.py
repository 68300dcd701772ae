"""
Attacks on files by links and by renames: F4, F6, F7.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolcell_server.battery.attack import Attack
from toolcell_server.battery.attacks.planting import for_writing, outside, two_folders
from toolcell_server.battery.traps import trap_harm

if TYPE_CHECKING:
    from toolcell_server.battery.ground import Ground

REFUSED = frozenset({"refused:PATH_NOT_ALLOWED"})


def _through_a_link(ground: Ground) -> dict[str, Any]:
    return {**outside(ground), "new": ground.claim(f"{ground.folder}/new.txt")}


def _links_inside(ground: Ground) -> dict[str, Any]:
    folder = ground.make_folder_inside("reads")
    secret = Path(ground.plant("public.txt"))
    Path(folder, "link").symlink_to(secret)
    Path(folder, "folder").symlink_to(secret.parent)
    ground.reads.append(folder)
    return {"link": f"{folder}/link", "folder_link": f"{folder}/folder", "name": secret.name}


def _link_as_path(ground: Ground) -> dict[str, Any]:
    link = f"{ground.root}/link"
    Path(link).symlink_to(ground.plant("public.txt"))
    ground.reads.append(link)
    return {"path": link}


ATTACKS: tuple[Attack, ...] = (
    Attack(
        id="F4",
        name="read_through_a_link_in_scratch",
        module="files_links",
        promise="a link reads no more than whoever made it",
        plan=outside,
    ),
    Attack(
        id="F4",
        name="write_through_a_link_in_scratch",
        module="files_links",
        promise="a link writes no more than whoever made it",
        plan=_through_a_link,
    ),
    Attack(
        id="F4",
        name="plant_a_link_in_a_granted_folder",
        module="files_links",
        promise="no link can be left in a granted folder for others to follow",
        plan=for_writing,
        harm=trap_harm,
    ),
    Attack(
        id="F4",
        name="follow_a_link_that_lies_in_a_granted_folder",
        module="files_links",
        promise="a link that lies in a granted folder leads nowhere outside of it",
        plan=_links_inside,
    ),
    Attack(
        id="F4",
        name="name_a_link_as_the_path",
        module="files_links",
        promise="an argument that names a link is refused, not followed",
        plan=_link_as_path,
        endings=REFUSED,
    ),
    Attack(
        id="F6",
        name="link_a_file_of_the_host_into_scratch",
        module="files_links",
        promise="a file of the host cannot be given a second name",
        plan=outside,
    ),
    Attack(
        id="F6",
        name="link_a_file_for_reading_into_a_folder_for_writing",
        module="files_links",
        promise="a file for reading cannot be given a name in a folder for writing",
        plan=two_folders,
    ),
    Attack(
        id="F7",
        name="rename_over_a_file_for_reading",
        module="files_links",
        promise="a rename does not cross from a folder for writing into one for reading",
        plan=two_folders,
    ),
    Attack(
        id="F7",
        name="exchange_with_a_file_for_reading",
        module="files_links",
        promise="an exchange of two names does not cross the border of grants either",
        plan=two_folders,
    ),
)
