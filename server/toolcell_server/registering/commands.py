"""
Commands that are registered at run time: a program of the cell's runtime, called as its definition
says.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from toolcell_server.carried import Carried
from toolcell_server.refusals import InvalidField
from toolcell_server.registering.offered import Offered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolcell.v1 import registry_pb2

    from toolcell_server.principal import Principal

CARRIER: Final = "run_command"
_RESULTS: Final = ("stdout", "fd3", "text")


class CommandSource:
    """
    Offers one tool for each definition.
    """

    async def offer(
        self, definition: registry_pb2.ToolDefinition, principal: Principal
    ) -> Sequence[Offered]:
        """
        Raises:
            InvalidField: the manifest is no JSON object, or the command cannot be called so.
        """
        del principal  # whoever may register may register this
        manifest, command = manifest_of(definition), definition.command
        if not command.argv or not command.argv[0].startswith("/"):
            raise InvalidField("command.argv", "must begin with the absolute path of a program")
        result = command.result or "stdout"
        if result not in _RESULTS:
            raise InvalidField("command.result", f"must be one of {', '.join(_RESULTS)}")
        payload = {
            "argv": list(command.argv),
            "stdin": command.stdin or "none",
            "result": result,
            "parameters": manifest.get("parameters", {}),
        }
        manifest = {**manifest, "command": True, "profile": "subprocess"}
        return [Offered(manifest=manifest, carried=Carried(carrier=CARRIER, payload=payload))]


def manifest_of(definition: registry_pb2.ToolDefinition) -> dict[str, Any]:
    """
    Raises:
        InvalidField: it is no JSON object.
    """
    try:
        value = json.loads(definition.manifest_json)
    except (ValueError, RecursionError) as exc:
        raise InvalidField("manifest_json", f"must be JSON ({exc})") from None
    if not isinstance(value, dict):
        raise InvalidField("manifest_json", "must be a JSON object")
    return value
