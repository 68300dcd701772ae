"""
The station that makes a call's arguments ready to be checked: from bytes to one object that fits
the schema, and the bytes that say the same.

Theory of operation.  What is asked for nulls, texts and defaults is done between reading and
checking, so that what is checked is what the tool gets, and what is recorded.  The bytes stay as
the caller sent them unless something changed; then they are written anew, in the order of the
object, and bounded again: defaults make a small call larger.  What tells one call from another (an
idempotency fingerprint) is what the caller sent, and was taken before.

What is to be done for a tool is worked out at its first call and kept as long as the tool is; for a
tool that asks for nothing, that is one look into a table.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from toolcell_server import strict_json
from toolcell_server.arguments.nodes import Overfull
from toolcell_server.arguments.preparation import Preparation
from toolcell_server.per_tool import PerTool
from toolcell_server.refusals import ArgumentsNotJson, ArgumentsTooLarge
from toolcell_server.settings.arguments import ArgumentSettings

if TYPE_CHECKING:
    from toolcell_server.tool import Tool


@dataclass(frozen=True, slots=True)
class Preparing:
    """
    Reads and prepares arguments, as the tools and the operator ask for it.
    """

    settings: ArgumentSettings = field(default_factory=ArgumentSettings)
    _preparations: PerTool[Preparation | None] = field(
        default_factory=PerTool, init=False, repr=False, compare=False
    )

    def prepared(self, tool: Tool, data: bytes, maximum: int) -> tuple[dict[str, Any], bytes]:
        """
        The arguments, and the bytes that hold them; at most `maximum`, before and after.

        Raises:
            ArgumentsNotJson: they are not one strict JSON object.
            ArgumentsTooLarge: they are larger.
        """
        if len(data) > maximum:
            raise ArgumentsTooLarge(len(data), maximum)
        try:
            arguments = strict_json.parse(data, maximum)
        except strict_json.NotStrictJson as exc:
            raise ArgumentsNotJson(str(exc), exc.pointer) from None
        preparation = self._preparations.get(tool, self._made)
        try:
            if preparation is None or not preparation.apply(arguments, maximum):
                return arguments, data
        except Overfull:
            raise ArgumentsTooLarge(len(data) + maximum, maximum) from None
        data = json.dumps(arguments, ensure_ascii=False, separators=(",", ":")).encode()
        if len(data) > maximum:
            raise ArgumentsTooLarge(len(data), maximum)
        return arguments, data

    def _made(self, tool: Tool) -> Preparation | None:
        return Preparation.of(
            tool.parameters,
            tool.transforms,
            drop_nulls=tool.drop_nulls or self.settings.drop_nulls,
            fill_defaults=tool.fill_defaults or self.settings.fill_defaults,
        )
