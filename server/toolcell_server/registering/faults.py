"""
What is wrong with a definition, and where.  Pure.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from toolcell.v1 import registry_pb2 as pb

from toolcell_server.defining.faults import Fault
from toolcell_server.registering.offered import Offers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolcell_server.refusals import CallRefused
    from toolcell_server.registering.offered import Offered

MANIFEST: Final = "/manifest"
_LONGEST: Final = 1024  # characters of a message; a schema may be quoted in it
_PLACE: Final = re.compile(r" - at `\$\.?(?P<place>[^`]*)`$")  # as msgspec says where


def to_proto(fault: Fault) -> pb.DefinitionFault:
    """
    A fault as the contract has it.
    """
    message = fault.message.encode(errors="backslashreplace").decode()
    return pb.DefinitionFault(path=fault.path, code=fault.code, message=message[:_LONGEST])


def of_refusal(refused: CallRefused) -> Sequence[Fault]:
    """
    What a source says of a definition that it refuses.
    """
    code = refused.reason
    return [
        Fault(_pointer(field), code, f"{field} {description}")
        for field, description in refused.violations
    ] or [Fault("", code, refused.message)]


def of_offers(offers: Sequence[Offered]) -> list[Fault]:
    """
    What of a definition is no tool, where its source says so.
    """
    skipped = offers.skipped if isinstance(offers, Offers) else ()
    return [Fault(each.pointer, "SKIPPED", each.reason) for each in skipped]


def of_manifest(error: Exception) -> Fault:
    """
    What makes a manifest none.
    """
    said = str(error)
    found = _PLACE.search(said)
    place = f"/{_pointer(found['place'])[1:]}" if found and found["place"] else ""
    message = _PLACE.sub("", said)
    return Fault(MANIFEST + place, "MANIFEST_INVALID", f"the manifest is not valid: {message}")


def _pointer(field: str) -> str:
    """
    `/manifest` for manifest_json, `/command/argv` for command.argv, `/tags/3` for tags[3].
    """
    parts = re.split(r"[.\[\]]+", field.rstrip("]"))
    parts[0] = "manifest" if parts[0] == "manifest_json" else parts[0]
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)
