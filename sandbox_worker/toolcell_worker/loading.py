"""
Loads a bundle into a zygote, and tells which callable runs a given cell.

This is where the zygote's standard-library world meets the authoring side, which imports msgspec;
it is imported late, in the inner zygote, inside the template root.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from toolcell_worker import anonymous_maps, generators, probe

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from toolcell_worker.start import Start
    from toolcell_worker.wire import CellGrant


def load(
    start: Start,
) -> tuple[dict[str, object], Callable[[bytes, socket.socket, CellGrant], int]]:
    """
    Import the tools of the bundle.

    Returns:
        The catalogue for the server, and the callable that runs in each cell.

    Raises:
        ImportError: the bundle's interpreter lacks what tools are declared with.
    """
    # They import msgspec, which only the inner zygote may, inside the template root.
    try:
        from toolcell_worker import bundle
        from toolcell_worker.run import perform as perform_tool
    except ModuleNotFoundError as exc:
        raise ImportError(
            f"{sys.executable} lacks the module {exc.name}, with which tools are declared; install"
            f" it there: {sys.executable} -m pip install msgspec docstring-parser"
        ) from exc

    anonymous_maps.install()
    os.environ.update(start.environment)
    spec = bundle.BundleSpec(
        name=start.bundle, path=start.path, package=start.package, options=start.options
    )
    with generators.seeded_in_forks():
        catalogue = bundle.load(spec)

    def perform(arguments: bytes, channel: socket.socket, grant: CellGrant) -> int:
        if grant.tool == probe.TOOL:
            return probe.perform(arguments, channel, grant)
        return perform_tool(catalogue.tools[grant.tool, grant.version], arguments, channel, grant)

    return catalogue.describe(), perform
