"""
Tools of uploaded code.

Theory of operation.  A definition with a manifest is believed as any: it may say what it likes of
the code, because what the tool may do is what the manifest says, checked and enforced, whatever the
code is.  Without one the code describes itself, in a cell (`uploads/discovering.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from toolcell_server.carried import CODE, Carried
from toolcell_server.refusals import InvalidField, SwitchedOff
from toolcell_server.registering.commands import manifest_of
from toolcell_server.registering.offered import Offered
from toolcell_server.uploads import describing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from toolcell.v1 import registry_pb2

    from toolcell_server.principal import Principal
    from toolcell_server.uploads.discovering import Discovering
    from toolcell_server.uploads.uploads import Uploads

CARRIER: Final = "run_source"
_SWITCH: Final = (
    "registry.enabled = true, state_dir, and registry.upload_keys"
    " (or registry.require_signature = false) in its settings"
)
OFF: Final = ("uploading code", _SWITCH)


class UploadedSource:
    """
    Offers what uploaded code declares.  `uploads` is None where there are none.
    """

    def __init__(self, uploads: Uploads | None, discovering: Callable[[], Discovering]) -> None:
        self._uploads = uploads
        self._discovering = discovering

    async def offer(
        self, definition: registry_pb2.ToolDefinition, principal: Principal
    ) -> Sequence[Offered]:
        """
        Raises:
            CodeNotLoaded: the code declares no tool.
            InvalidField: the manifest is no JSON object, or the entry names nothing.
            SwitchedOff: nothing is uploaded here.
            UnknownUpload: this caller has uploaded no such code.
        """
        if self._uploads is None:
            raise SwitchedOff(*OFF)
        entry = definition.upload.entry
        if entry and not describing.is_entry(entry):
            raise InvalidField("upload.entry", "must be module:name")
        stored = self._uploads.find(definition.upload.sha256, principal)
        folder = self._uploads.folder(stored)
        manifest = manifest_of(definition) if definition.manifest_json else {}
        if manifest:
            if not entry:
                raise InvalidField("upload.entry", "must name the callable of the manifest")
            return [_offered(manifest, folder, entry)]
        found = await self._discovering().discover(folder, entry, principal)
        return [_offered(each.manifest, folder, each.entry) for each in found]


def fault_without_uploads(carried: Carried) -> str:
    """
    Why a tool cannot run where nothing is uploaded any more; empty: it needs no code.
    """
    return "uploading code is switched off" if carried.code else ""


def _offered(manifest: Mapping[str, Any], folder: str, entry: str) -> Offered:
    name = folder.rpartition("/")[2]
    payload = {"folder": f"{CODE}/{name}", "entry": entry}
    carried = Carried(carrier=CARRIER, payload=payload, code=(folder,))
    return Offered(manifest={**manifest, "command": False}, carried=carried)
