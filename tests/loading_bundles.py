"""
Bundles that a test writes and loads in its own process.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from toolcell_worker.bundle import BundleSpec, Catalogue, load

if TYPE_CHECKING:
    from pathlib import Path


def bundle(folder: Path, files: dict[str, str], **options: Any) -> Catalogue:
    """
    Write the files, and load the folder as the bundle `mine`.
    """
    write(folder, files)
    return load(BundleSpec(name="mine", path=str(folder), options=options))


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
