"""
R9, R10, R11, R16 and R17: what a tool says, and how many say it at once.
"""

from __future__ import annotations

import json
import logging
import math
from typing import TYPE_CHECKING, Any, Final

from toolcell_server import logs
from toolcell_server.battery.attack import Attack, Traces
from toolcell_server.battery.attacks.brief import BRIEF_REST, MEBIBYTE, SMALL, brief
from toolcell_server.battery.ground import Call
from toolcell_server.battery.oracles import PASSES_FOR_COMPLETED, beyond, is_control, reached

if TYPE_CHECKING:
    from toolcell_server.battery.ground import Ground
    from toolcell_server.battery.oracles import Harm

MODULE: Final = "resources_output"
OUTPUT: Final = 32 * 1024  # of each stream
RESULT: Final = 64 * 1024
CELLS: Final = 8  # as many as a battery's server runs at once
CROWD: Final = 40
# What is no JSON, or what two readers of JSON take for two values.
NO_JSON: Final = (
    b'{"a": NaN}',
    b'{"a": 1e999}',
    b'{"a": 1, "a": 2}',
    b'"\\ud800"',
    b'"\xff\xfe"',
    b'"a\x00b"',
    b'{"a": 1} {"a": 2}',
    b"[" * 100_000 + b"]" * 100_000,
    b"9" * 100_000,
    b"\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00\x8c\x01a\x94.",
)

# The lines that the server has logged during a run, by its marker.
_logged: dict[str, _Lines] = {}


class _Lines(logging.Handler):
    """
    Collects what the server's log would get, in both its formats.
    """

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.text: list[str] = []
        self._logger = logging.getLogger("toolcell_server")
        self._before = (self._logger.level, self._logger.propagate)
        self._logger.addHandler(self)
        self._logger.setLevel(logging.INFO)
        self._logger.propagate = False

    def emit(self, record: logging.LogRecord) -> None:
        self.text += [form.format(record) for form in (logs.JsonFormatter(), logs.TextFormatter())]

    def end(self) -> list[str]:
        """
        Everything that was collected; nothing is any more.
        """
        self._logger.removeHandler(self)
        self._logger.level, self._logger.propagate = self._before
        return self.text


def _forger(ground: Ground) -> dict[str, Any]:
    _logged[ground.marker] = _Lines()
    return brief(ground, line=_line(ground))


def _line(ground: Ground) -> str:
    return f"2026-01-01T00:00:00.000Z ERROR   the service was sold to {ground.marker}"


def _forged(ground: Ground, traces: Traces) -> list[str]:
    """
    A line of the log that is not ours, or what moves the cursor of whoever reads it.  The log of
    whoever runs it outside is its standard error.
    """
    logged = _logged.pop(ground.marker).end()
    text = traces.stderr if is_control(traces) else "\n".join(logged)
    lines = [line for line in text.splitlines() if line.startswith(_line(ground))]
    said = ["a line of the log is forged"] if lines else []
    if "\x1b" in text or len(logged) != sum(len(one.splitlines()) for one in logged):
        said.append("the log holds more than lines of text")
    if not is_control(traces) and not logged:
        said.append("nothing was logged")
    return [*reached(ground, traces), *said]


def _took(ground: Ground, traces: Traces) -> list[str]:
    """
    Whoever ran it has more of its output, or of its result, than the limits allow, or has grown.
    """
    taken = max(len(traces.stdout), len(traces.stderr)), len(json.dumps(traces.result))
    harm = [f"{taken[0]} bytes of output came"] if taken[0] > OUTPUT else []
    harm += [f"a result of {taken[1]} bytes came"] if taken[1] > RESULT else []
    return [*beyond(server=48 * MEBIBYTE)(ground, traces), *harm]


def _came_through(ground: Ground, traces: Traces) -> list[str]:
    """
    What is no result was taken for one.
    """
    came = [result for result in traces.earlier if result is not None]
    harm = [f"{str(result)[:60]!r} was taken for a result" for result in came]
    if traces.outcome in PASSES_FOR_COMPLETED:
        harm.append("the last was taken for a result")
    return [*reached(ground, traces), *harm]


def _no_number(ground: Ground, traces: Traces) -> list[str]:
    """
    The result is a number that JSON has not.
    """
    said = []
    match traces.result:
        case {"nan": [float(first), *_]} if not math.isfinite(first):
            said = ["NaN is a result"]
    return [*reached(ground, traces), *said]


def _payloads(ground: Ground) -> dict[str, Any]:
    *first, last = NO_JSON
    name = f"{MODULE}.send_what_is_no_json"
    ground.earlier = [Call(name, brief(ground, payload=payload.hex())) for payload in first]
    return brief(ground, payload=last.hex())


def _crowd(ground: Ground) -> dict[str, Any]:
    ground.gauge  # noqa: B018  # it begins to measure
    plan = brief(ground, seconds=0.1, crowd=CROWD)
    ground.crowd = [Call("resources.come_in_a_crowd", plan) for _ in range(CROWD)]
    return plan


def _unanswered(ground: Ground, traces: Traces) -> list[str]:
    """
    More ran at once than may, or one was not answered.
    """
    found = beyond(processes=CELLS)(ground, traces)
    missing = sum(answer != "answered" for answer in traces.earlier)
    return [*found, *([f"{missing} calls were not answered"] if missing else [])]


def _attack(
    catalogue_id: str,
    name: str,
    promise: str,
    *endings: str,
    harm: Harm,
    size: int = 64 * MEBIBYTE,
    **further: Any,
) -> Attack:
    def plan(ground: Ground) -> dict[str, Any]:
        if harm is _took:
            ground.gauge  # noqa: B018  # it begins to measure
        return brief(ground, bytes=size)

    limits = {**SMALL, "output_bytes": OUTPUT, "result_bytes": RESULT}
    fields = {"module": MODULE, "plan": plan, "limits": limits, **further}
    return Attack(
        id=catalogue_id,
        name=name,
        promise=promise,
        harm=harm,
        endings=frozenset(endings),
        **fields,
    )


ATTACKS: Final = (
    _attack(
        "R9",
        "print_without_end",
        "output is bounded, and a flood is ended",
        "exceeded:output",
        harm=_took,
    ),
    _attack(
        "R9",
        "print_without_a_line_end",
        "output without lines is bounded too",
        "exceeded:output",
        harm=_took,
    ),
    _attack(
        "R9",
        "print_slowly",
        "a drip of output is ended by the wall clock",
        "exceeded:wall",
        harm=reached,
        limits=BRIEF_REST,
    ),
    _attack(
        "R10",
        "return_too_much",
        "a result that is too large is told as that",
        "exceeded:result",
        harm=_took,
        size=MEBIBYTE,
    ),
    _attack(
        "R10",
        "send_too_much",
        "the server does not grow with what a cell sends it",
        "failed",
        harm=_took,
    ),
    _attack(
        "R11",
        "return_what_is_no_json",
        "NaN is no result",
        "failed",
        harm=_no_number,
    ),
    _attack(
        "R11",
        "send_what_is_no_json",
        "what is no strict JSON is no result, though the tool says so itself",
        "failed",
        harm=_came_through,
        plan=_payloads,
    ),
    _attack(
        "R16",
        "forge_a_line_of_the_log",
        "no line of the service's log is a tool's",
        "failed",
        harm=_forged,
        plan=_forger,
    ),
    _attack(
        "R17",
        "come_in_a_crowd",
        "of many calls at once no more run than may, and each is answered",
        "completed",
        harm=_unanswered,
        module="resources",
        plan=_crowd,
    ),
)
