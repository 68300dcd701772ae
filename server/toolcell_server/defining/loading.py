"""
Loads Python tools to look at what they declare, as a server would: in a zygote, within its
namespaces, never in this process.  Nothing of it is called.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from toolcell_server import instructions
from toolcell_server.control_groups import ControlGroups
from toolcell_server.keeper import Keeper
from toolcell_server.pool import Pool
from toolcell_server.settings import BuiltinSettings, BundleSettings, ServerSettings, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

_BUNDLE: Final = "validated"


async def catalogue(folder: Path) -> dict[str, Any]:
    """
    What a folder's tools declare, as its zygote tells it.

    Raises:
        KeeperFailed: nothing can be loaded on this host.
        NoSpareIds: as KeeperFailed.
        ZygoteFailed: as KeeperFailed.
    """
    settings = Settings(
        server=ServerSettings(warm_cells=0),
        bundles=(BundleSettings(name=_BUNDLE, path=str(folder)),),
        builtin=BuiltinSettings(enabled=False),
    )
    told: dict[str, Any] = {}

    def publish(_bundle: str, found: dict[str, Any], _loaded: object) -> tuple[int, ...]:
        told.update(found)
        return ()

    pool = Pool(
        instructions.of_bundles(settings),
        Keeper(instructions.of_keeper()),
        publish,
        lambda _: None,
        ControlGroups(),
    )
    try:
        await pool.start()
        if failure := pool.unbuilt():
            raise failure
    finally:
        await pool.aclose()
    return told


@contextlib.contextmanager
def alone(file: Path) -> Iterator[Path]:
    """
    A folder that holds a copy of this file and nothing else.

    Raises:
        OSError: it cannot be copied.
    """
    with tempfile.TemporaryDirectory(prefix="toolcell-validate-") as made:
        folder = Path(made)
        folder.chmod(0o755)  # zygotes have an identity of their own
        copied = folder / file.name.lstrip("_")
        shutil.copyfile(file, copied)
        copied.chmod(0o644)
        yield folder
