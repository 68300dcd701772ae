"""
Screens: whether a text looks like an attack on what a tool is likely to do with it.
"""

from toolcell_server.screens.kinds import KINDS, looks_like

__all__ = ["KINDS", "looks_like"]
