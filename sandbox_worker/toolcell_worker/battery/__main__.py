"""
`python -m toolcell_worker.battery MODULE.FUNCTION`: the control, hostile code without any wall.

Standard input has one JSON object, {"plan": {…}, "earlier": [[function, plan], …], "forks": false}.
The earlier calls run first, in this same process; with `forks` every call runs in a fork of its
own, as the cells of a careless zygote would.  The last line of standard output is {"result": …,
"earlier": […]}.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from toolcell_worker.battery import hostile


def main(name: str) -> int:
    """
    Run hostile code; the exit code.
    """
    asked = json.load(sys.stdin)
    perform = _forked if asked.get("forks") else hostile.perform
    results = [
        perform(function, plan)
        for function, plan in [*asked.get("earlier", ()), (name, asked["plan"])]
    ]
    print(json.dumps({"result": results[-1], "earlier": results[:-1]}), flush=True)  # noqa: T201  # its result
    return 0


def _forked(name: str, plan: dict[str, Any]) -> Any:
    """
    The result of a call in a fork.
    """
    hostile.find(name)
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            with os.fdopen(writing, "w") as pipe:
                json.dump(hostile.perform(name, plan), pipe)
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        result = json.load(pipe)
    os.waitpid(pid, 0)
    return result


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
