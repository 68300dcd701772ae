"""
Finds the processes that decide about what leaves cells.
"""

from __future__ import annotations

import psutil


def egresses(service: int | None = None) -> list[int]:
    """
    Those of a service by its pid, or of our own: one, once a cell has needed it.
    """
    children = psutil.Process(service).children(recursive=True)
    return [each.pid for each in children if "toolcell_server.egress" in each.cmdline()]
