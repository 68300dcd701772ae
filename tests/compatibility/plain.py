"""
One workload without a cell: a plain process with the same interpreter, environment and input.

Run as `python plain.py FOLDER [TOOL]`.  The workload's result goes as JSON to the descriptor
that ANSWER names; without a tool, what the folder holds: {"tools": [manifests], "broken": […]}.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, field
from typing import Any

from toolcell_worker import bundle, run
from toolcell_worker.outlet import encode

RESULT_BYTES = 2**22


@dataclass
class Unlimited:
    """
    What a command asks of its context.
    """

    limits: dict[str, int] = field(default_factory=dict)


def main(folder: str, name: str = "") -> None:
    """
    Load the folder as a zygote does, and call one of its tools as a cell does.
    """
    answer = int(os.environ.pop("ANSWER"))
    os.set_inheritable(answer, False)
    del os.environ["PYTHONPATH"]
    catalogue = bundle.load(bundle.BundleSpec(name="plain", path=folder))
    if not name:
        _send(answer, json.dumps(catalogue.describe()).encode())
        return
    if (name, "1") not in catalogue.tools:
        sys.exit(f"{name} is not loaded: {catalogue.broken}")
    context: Any = Unlimited()
    tool: Any = catalogue.tools[name, "1"]
    result = run._finish(tool.call(b"{}", context), context)
    _send(answer, encode(result, RESULT_BYTES))


def _send(answer: int, payload: bytes) -> None:
    with open(answer, "wb") as file:
        file.write(payload)


if __name__ == "__main__":
    main(*sys.argv[1:])
