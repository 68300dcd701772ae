"""
Arguments and results against the schemas of their tool.

Theory of operation.  Each schema is checked and built once, at registration or at first use, and
kept as long as the tool keeps it.  A check runs in the event loop when its cost is bounded and
small: a schema without patterns and the like, and few enough visits (nodes of the unrolled schema
times parts of the value).  Everything else goes to a process that can be killed: what takes too
long there is refused, and nobody else notices.  Results are treated as arguments are, because a
tool's result is as hostile as a caller's arguments; but they have processes of their own, and wait
their turn: their tools have run, it is too late to refuse them, and no more can wait than run.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from toolcell_server import schema_check, strict_json, validator_pool, violations
from toolcell_server.per_tool import PerTool
from toolcell_server.refusals import ArgumentsInvalid, NoCapacity

if TYPE_CHECKING:
    from toolcell_server.registry import Tool
    from toolcell_server.schema_check import CheckedSchema
    from toolcell_server.violations import Violation

FIELD: Final = "arguments_json"
MAXIMUM_RESULT_DEPTH: Final = 128  # tools may nest deeper than callers; readers still have bounds
_VISITS: Final = 5000  # 0.1 to 3.5 µs each, measured: below 20 ms of the event loop
_BYTES: Final = 64 * 2**10
_TOOK_TOO_LONG: Final = "checking took too long; send a smaller or simpler value"
_BUSY_SECONDS: Final = 1.0
RESULT_PATIENCE_SECONDS: Final = 600.0  # arbitrary; longer than all that can be before it take

log = logging.getLogger(__name__)


class Validation:
    """
    Checks values.  Used within one event loop; `aclose` leaves no process.
    """

    def __init__(self, budget_seconds: float = validator_pool.BUDGET_SECONDS) -> None:
        self._arguments = validator_pool.ValidatorPool(budget_seconds)
        self._results = validator_pool.ValidatorPool(budget_seconds, RESULT_PATIENCE_SECONDS)
        self._parameters: PerTool[CheckedSchema] = PerTool()
        self._returns: PerTool[CheckedSchema] = PerTool()

    async def check(self, tool: Tool, arguments: dict[str, Any], raw: bytes) -> None:
        """
        Check arguments; `raw` are the bytes that they were parsed from.

        Raises:
            ArgumentsInvalid: they violate the schema, or checking them took too long.
            NoCapacity: all validators are busy.
        """
        schema = self._parameters.get(tool, _parameters)
        if _is_quick(schema, raw):
            found = _find_here(schema, arguments)
        else:
            pool = self._arguments
            found = await _find_there(pool, schema, raw or b"{}", strict_json.MAXIMUM_DEPTH)
        if found:
            raise ArgumentsInvalid([(f"{FIELD}{at}", description) for at, description in found])

    async def check_result(self, tool: Tool, result: bytes) -> list[str]:
        """
        What is wrong with a result, one text each; empty: it is strict JSON that matches.

        Raises:
            NoCapacity: all validators are busy.
        """
        schema = self._returns.get(tool, _returns)
        if _is_quick(schema, result):
            try:
                value = strict_json.parse_value(result, len(result), MAXIMUM_RESULT_DEPTH)
            except strict_json.NotStrictJson as exc:
                return [_described((exc.pointer, str(exc)))]
            found = _find_here(schema, value) if tool.returns else []
        else:
            found = await _find_there(self._results, schema, result, MAXIMUM_RESULT_DEPTH)
        return [_described(violation) for violation in found]

    async def aclose(self) -> None:
        await self._arguments.aclose()
        await self._results.aclose()


async def _find_there(
    pool: validator_pool.ValidatorPool, schema: CheckedSchema, raw: bytes, depth: int
) -> list[Violation]:
    try:
        return await pool.find(schema.encoded, raw, depth)
    except validator_pool.TookTooLong:
        return [("", _TOOK_TOO_LONG)]
    except validator_pool.NoValidator as exc:
        raise NoCapacity(_BUSY_SECONDS) from exc


def _parameters(tool: Tool) -> CheckedSchema:
    return schema_check.check(tool.parameters)


def _returns(tool: Tool) -> CheckedSchema:
    return schema_check.check({} if tool.returns is None else tool.returns)


def _is_quick(schema: CheckedSchema, raw: bytes) -> bool:
    if schema.nodes is None or len(raw) > _BYTES:
        return False
    parts = 1 + raw.count(b",") + raw.count(b"[") + raw.count(b"{")  # at least as many as there are
    return schema.nodes * parts <= _VISITS


def _find_here(schema: CheckedSchema, value: Any) -> list[Violation]:
    try:
        return violations.find(schema.validator, value)
    except Exception as exc:  # noqa: BLE001  # jsonschema trips over 10**400 / 0.1, for one
        log.info("a value cannot be checked against its schema: %s", type(exc).__name__)
        return [("", f"cannot be checked against its schema ({type(exc).__name__})")]


def _described(violation: Violation) -> str:
    at, description = violation
    return f"{at or 'the result'}: {description}"
