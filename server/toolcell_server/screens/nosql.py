"""
Whether a text or a key looks like an operator of a document store, or like code for one.  Pure.
"""

from __future__ import annotations

import re
from typing import Final

_OPERATOR: Final = (
    r"\$(?:where|ne|eq|gte?|lte?|in|nin|regex|exists|or|and|not|nor|expr|function|accumulator"
    r"|jsonschema|mod|all|size|elemmatch|type|text|options|lookup|merge|out|unionwith|graphlookup"
    r"|set|unset|inc|rename|push|pull|comment|rand|natural|slice|meta)"
)
_PATTERNS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        rf"^{_OPERATOR}$",
        rf"[{{,\[]\s{{0,8}}['\"]?{_OPERATOR}['\"]?\s{{0,8}}[:\]]",
        rf"['\"]{_OPERATOR}['\"]\s{{0,8}}:",
        rf"\[{_OPERATOR}\]\s{{0,4}}=?",
        r"['\"]\s{0,4}(?:\|\||&&)\s{0,4}['\"(!]{0,3}\s{0,4}\w{1,32}['\")]{0,2}\s{0,4}(?:={2,3}|!={1,2}|[<>])",
        r"['\"]\s{0,4}(?:\|\||&&)\s{0,4}(?:true|!?this|1)\b",
        r"\bthis\.\w{1,64}\s{0,4}(?:={2,3}|!={1,2}|[<>]|\.match|\.length|\[)",
        r"\bdb\.\w{1,64}\.(?:find|findone|drop|insert|remove|update|aggregate|delete\w{0,8})\s{0,4}\(",
        (
            r"['\";]\s{0,4}(?:return|sleep|while|for|var|function)\s{0,4}[( ]\s{0,4}"
            r"(?:true|1|\d{2,8}|this|\(|function|new date)"
        ),
        r"\bfunction\s{0,4}\(\s{0,4}\w{0,32}\s{0,4}\)\s{0,4}\{",
        r"\bwhile\s{0,4}\(\s{0,4}(?:1|true)\s{0,4}\)",
        r"\bmapreduce\s{0,4}[(:]",
        # Redis, memcached: a line of one's own
        r"\r\n\s{0,4}(?:set|get|del|flushall|flushdb|config|eval|slaveof|replicaof|save|quit|auth|keys)\b",
        r"^(?:flushall|flushdb|config (?:set|get)|slaveof|eval ['\"])",
    )
)


def looks_like(text: str) -> bool:
    """
    Whether one reading of a text does.
    """
    return any(pattern.search(text) for pattern in _PATTERNS)
