"""
The libraries once more, imported in the cell, as code that a model wrote imports them: behind the
walls, within the limits, with an empty /tmp for their caches.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from toolcell_worker import tool

LIBRARIES = Path(__file__).with_name("libraries")


def _imported(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, LIBRARIES / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@tool(effects="read_only")
def numpy_imported_in_the_cell() -> Any:
    """
    The linear algebra of numpy.
    """
    return _imported("arrays").numpy_linear_algebra()


@tool(effects="read_only")
def pandas_imported_in_the_cell() -> Any:
    """
    The groups of pandas.
    """
    return _imported("frames").pandas_groups()


@tool(effects="read_only")
def matplotlib_imported_in_the_cell() -> Any:
    """
    The picture of matplotlib; there is no list of fonts yet.
    """
    return _imported("drawings").matplotlib_png()


@tool(effects="read_only")
def requests_imported_in_the_cell() -> Any:
    """
    All of requests, and what it brings with it.
    """
    return _imported("documents").requests_offline()


@tool(effects="read_only")
def lxml_imported_in_the_cell() -> Any:
    """
    The documents of lxml.
    """
    return _imported("documents").lxml_documents()
