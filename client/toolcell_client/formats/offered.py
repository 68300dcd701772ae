"""
A tool as it is offered to models.  Pure.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolcell.v1 import registry_pb2

from toolcell_client.plain import short_name

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedTool:
    """
    A tool for a model.  `parameters` is a JSON Schema (2020-12) of an object; `returns` that of the
    result, None: any JSON value.  `effects` is "read_only", "writes" or "destructive".
    `schema_only`: nothing runs; the arguments, once they fit the schema, are the result.
    """

    name: str
    description: str = ""
    parameters: Mapping[str, Any]
    returns: Mapping[str, Any] | None = None
    title: str = ""
    effects: str = "writes"
    idempotent: bool = False
    version: str = ""
    schema_only: bool = False

    @classmethod
    def of(cls, tool: registry_pb2.Tool) -> OfferedTool:
        """
        One that the server lists, and that can be called.
        """
        return cls(
            name=tool.name,
            description=tool.description,
            parameters=json.loads(tool.parameters_json),
            returns=json.loads(tool.returns_json) if tool.returns_json else None,
            title=tool.title,
            effects=short_name(registry_pb2.Effects, tool.effects),
            idempotent=tool.idempotent,
            version=tool.version,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """
    What one provider is told of a tool: the name is an alias that the provider takes, `parameters`
    fit its subset of JSON Schema, and `strict` asks it to hold the model to them.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    returns: Mapping[str, Any] | None = None
    strict: bool = False
