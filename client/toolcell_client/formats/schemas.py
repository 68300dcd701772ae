"""
The schemas of one tool as one provider takes them.  Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolcell_client.formats.exporting import Exporting
from toolcell_client.formats.loosened import Loosened
from toolcell_client.formats.roots import plain_root
from toolcell_client.formats.schema_parts import SchemaTooLarge, check_size
from toolcell_client.formats.strict_limits import over_openai
from toolcell_client.formats.subsets import GEMINI, NEVER_STRICT, OPENAI_STRICT, STRICT
from toolcell_client.formats.whole_schemas import whole

if TYPE_CHECKING:
    from collections.abc import Callable

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
        ValueError: it is no schema of an object, or too large to be looked into.
    """
    _check(tool)
    exporting = Exporting(tool.name, tool.parameters, GEMINI)
    if provider != "gemini":
        made = _bounded(tool, lambda: whole(exporting, tool.parameters))
        return Exported(made, tool.returns, tuple(exporting.notes))
    made = _bounded(tool, lambda: exporting.whole(plain_root(exporting, tool.parameters)))
    return Exported(made, _returns(tool), tuple(exporting.notes))


def exported_strictly(tool: OfferedTool, provider: str) -> Exported:
    """
    In strict mode; some notes may say that it is not possible.

    Raises:
        ValueError: it is no schema of an object, or too large to be looked into.
    """
    _check(tool)
    if provider not in STRICT:
        note = Loosened(
            tool=tool.name,
            place="",
            keyword="strict",
            reason="the provider has none",
            remedy=NEVER_STRICT[provider],
            prevents_strict=True,
        )
        return Exported({}, None, (note,))
    subset = STRICT[provider]
    exporting = Exporting(tool.name, tool.parameters, subset)
    made = _bounded(tool, lambda: exporting.whole(plain_root(exporting, tool.parameters)))
    if subset is OPENAI_STRICT:
        for over in over_openai(made):
            exporting.blocked("", over.keyword, over.reason, over.remedy)
    return Exported(made, tool.returns, tuple(exporting.notes))


def _returns(tool: OfferedTool) -> Mapping[str, Any] | None:
    if tool.returns is None:
        return None
    return _bounded(tool, lambda: Exporting(tool.name, tool.returns, GEMINI).whole(tool.returns))


def _check(tool: OfferedTool) -> None:
    """
    Raises:
        ValueError: the parameters are not those of an object.
    """
    said = f"the parameters of {tool.name}"
    if not isinstance(tool.parameters, Mapping):
        raise ValueError(f"{said} must be a JSON Schema of an object")  # noqa: TRY004
    kind = tool.parameters.get("type", "object")
    if kind not in ("object", ["object"]):
        raise ValueError(
            f'{said} must be a JSON Schema of an object, not of {kind!r:.80}; say "type": "object"'
        )


def _bounded(tool: OfferedTool, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        check_size(tool.parameters)
        check_size(tool.returns)
        return make()
    except SchemaTooLarge as exc:
        raise ValueError(f"the schema of {tool.name} {exc}") from exc
    except RecursionError as exc:
        raise ValueError(f"the schema of {tool.name} refers too deeply; make it flatter") from exc
