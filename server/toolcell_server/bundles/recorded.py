"""
Bundles that are loaded again, as the audit log is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolcell_server import principal
from toolcell_server.audit import values

if TYPE_CHECKING:
    from toolcell_server.audit.auditing import Auditing
    from toolcell_server.bundles.reloads import Reload


@dataclass(frozen=True, slots=True)
class ReloadRecorded:
    """
    Writes a record of what became of each; nobody asked for it if its folder had changed.
    """

    log: Auditing

    def __call__(self, reload: Reload) -> None:
        data: dict[str, Any] = {
            "principal": values.who(principal.current()),
            "bundle": reload.bundle,
            "reason": values.bounded(reload.reason),
            "outdated": list(reload.outdated[: values.LISTED]),
        }
        self.log.record("bundle.reloaded", data, reload.bundle)
