"""
What makes two calls the same to the cache.  Pure.

Theory of operation.  Arguments are compared as the values that a tool is handed: parsed, and
written again in one form.  The order of keys, white space and escapes are gone then, and 1e0 is
1.0.  But 1 and 1.0 differ, as do 0.0 and -0.0: Python hands a tool an int or a float, whose results
may differ, and a number above 2**53 keeps all its digits, which RFC 8785 would take from it.  No
text is normalised: two spellings of é may name two files.

The whole grant belongs to the key, with every limit: a tool can see both, and answer by them.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from toolcell_server.execution import Execution
    from toolcell_server.grants import Grant

PUBLIC: Final = "public"
MAXIMUM_ARGUMENTS: Final = 64 * 2**10  # bytes; more would take too long of the event loop


class Key(NamedTuple):
    """
    One entry of the cache.  `principal` is whose it is, None: everybody's.
    """

    tool: str
    version: str
    edition: str
    principal: str | None
    arguments: bytes
    grant: tuple[Any, ...]


def key_of(execution: Execution) -> Key:
    """
    The entry that answers this execution.  Its arguments were found to be strict JSON before.
    """
    tool = execution.tool
    return Key(
        tool=tool.identity,
        version=tool.version,
        # A bundle that is loaded again may have other code under the same version.
        edition=tool.edition or str(tool.generation),
        principal=None if tool.cache_scope == PUBLIC else execution.principal,
        arguments=hashlib.sha256(canonical(execution.arguments)).digest(),
        grant=_of_grant(execution.grant),
    )


def canonical(arguments: bytes) -> bytes:
    """
    One text for all that a tool cannot tell apart.
    """
    value = json.loads(arguments or b"{}")
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode("ascii")


def _of_grant(grant: Grant) -> tuple[Any, ...]:
    paths = tuple((path.path, path.access, path.real_path) for path in grant.paths)
    return grant.limits, paths, grant.domains, grant.report_only, grant.profile
