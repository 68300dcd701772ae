"""
What exactly an approval is for.  Pure.

Theory of operation.  A person says yes to one call: this tool in this version, with these
arguments, and with the grant that they lead to under the policy of that moment.  All of it goes
into one digest, and a token lets a call pass only if the call has the same.  The arguments are
compared as values and not as bytes, so that spaces and the order of keys do not count; a number
that is written otherwise (1 and 1.0) does.  The arguments are those at the last gate, after
whatever altered them, because those are what runs.  The grant is in it because settings may change
between the question and the answer: nobody said yes to a wider one.  The limits in it are those of
tool and call: that a budget leaves less of them from one moment to the next makes it no other call.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from toolcell_server.gates import Call
    from toolcell_server.grants import Grant


def arguments_digest(arguments: dict[str, Any]) -> str:
    """
    SHA-256 over the arguments, in hexadecimal.
    """
    return hashlib.sha256(_canonical(arguments)).hexdigest()


def binding_of(call: Call, grant: Grant) -> bytes:
    """
    SHA-256 over everything that a person says yes to.
    """
    tool = call.tool
    limits = tool.limits.narrowed_by(call.request.limits)
    bound = {
        "tool": tool.name,
        "version": tool.version,
        "bundle": tool.bundle,
        "edition": tool.edition or tool.hosted,
        "effects": tool.effects,
        "arguments": arguments_digest(call.arguments),
        "session": call.request.session_id,
        "limits": _hexadecimal(limits.to_proto()),
        "grants": _hexadecimal(grant.to_proto()),
        "optional": [path.optional for path in grant.paths],
        "profile": grant.profile,
        "report_only": grant.report_only,
        "minimum_isolation": grant.minimum_isolation,
    }
    return hashlib.sha256(_canonical(bound)).digest()


def _canonical(value: dict[str, Any]) -> bytes:
    # Not RFC 8785, and it need not be: nobody but this server ever makes the other side.
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _hexadecimal(message: Any) -> str:
    return str(message.SerializeToString(deterministic=True).hex())
