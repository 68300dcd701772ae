"""
The schemas of one tool as one provider takes them.  Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolcell_client.formats.exporting import Exporting
from toolcell_client.formats.roots import plain_root
from toolcell_client.formats.schema_parts import SchemaTooLarge
from toolcell_client.formats.strict_limits import over_openai
from toolcell_client.formats.subsets import GEMINI, OPENAI_STRICT, STRICT
from toolcell_client.formats.whole_schemas import whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from toolcell_client.formats.loosened import Loosened
    from toolcell_client.formats.offered import OfferedTool


@dataclass(frozen=True, slots=True)
class Exported:
    """
    A tool's schemas for a provider, and what they do not say.
    """

    parameters: dict[str, Any]
    returns: Mapping[str, Any] | None
    notes: tuple[Loosened, ...]


def exported(tool: OfferedTool, provider: str) -> Exported:
    """
    Without strict mode.

    Raises:
        ValueError: following its references takes too long.
    """
    exporting = Exporting(tool.name, tool.parameters, GEMINI)
    if provider != "gemini":
        made = _bounded(tool, lambda: whole(exporting, tool.parameters))
        return Exported(made, tool.returns, tuple(exporting.notes))
    made = _bounded(tool, lambda: exporting.whole(plain_root(exporting, tool.parameters)))
    return Exported(made, _returns(tool), tuple(exporting.notes))


def exported_strictly(tool: OfferedTool, provider: str) -> Exported:
    """
    In strict mode, by a provider that has one; some notes may say that it is not possible.
    """
    subset = STRICT[provider]
    exporting = Exporting(tool.name, tool.parameters, subset)
    try:
        made = _bounded(tool, lambda: exporting.whole(plain_root(exporting, tool.parameters)))
    except ValueError as exc:
        exporting.blocked("", "$ref", str(exc), "refer less often")
        return Exported({}, None, tuple(exporting.notes))
    if subset is OPENAI_STRICT:
        for over in over_openai(made):
            exporting.blocked("", over.keyword, over.reason, over.remedy)
    return Exported(made, tool.returns, tuple(exporting.notes))


def _returns(tool: OfferedTool) -> Mapping[str, Any] | None:
    if tool.returns is None:
        return None
    return _bounded(tool, lambda: Exporting(tool.name, tool.returns, GEMINI).whole(tool.returns))


def _bounded(tool: OfferedTool, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return make()
    except SchemaTooLarge as exc:
        raise ValueError(f"the schema of {tool.name} {exc}") from exc
    except RecursionError as exc:
        raise ValueError(f"the schema of {tool.name} refers too deeply; make it flatter") from exc
