"""
Loads a bundle into a zygote, and tells which callable runs a given cell.

This is where the zygote's standard-library world meets the authoring side, which imports msgspec;
it is imported late, in the inner zygote, inside the template root.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from toolcell_worker import anonymous_maps, generators, probe, syscalls, witness

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_worker.start import Start
    from toolcell_worker.wire import Call, CellGrant


def load(
    start: Start,
) -> tuple[dict[str, object], Callable[[Call, int, CellGrant], int], bytes]:
    """
    Import the tools of the bundle.

    Returns:
        The catalogue for the server, the callable that runs in each cell, and the frame of a call
        to rehearse.

    Raises:
        ImportError: the bundle's interpreter lacks what tools are declared with.
    """
    # They import msgspec, which only the inner zygote may, inside the template root.
    try:
        from toolcell_worker import bundle, entry_points, rehearsal
        from toolcell_worker.run import perform as perform_tool
    except ModuleNotFoundError as exc:
        raise ImportError(
            f"{sys.executable} lacks the module {exc.name}, with which tools are declared; install"
            f" it there: {sys.executable} -m pip install msgspec docstring-parser"
        ) from exc

    syscalls.note_hooks()
    witness.install()
    anonymous_maps.install()
    os.environ.update(start.environment)
    points = start.entry_points
    spec = bundle.BundleSpec(
        name=start.bundle,
        path=start.path,
        package=start.package,
        allowed=None if points is None else entry_points.Allowed.parse(points),
        options=start.options,
    )
    with generators.seeded_in_forks():
        catalogue = bundle.load(spec)

    tools = {**catalogue.tools, (rehearsal.TOOL, rehearsal.VERSION): rehearsal.Nothing()}

    def perform(call: Call, channel: int, grant: CellGrant) -> int:
        if call.tool == probe.TOOL:
            return probe.perform(call.arguments, channel, grant)
        return perform_tool(tools[call.tool, call.version], call, channel, grant)

    return catalogue.describe(), perform, rehearsal.CALL
