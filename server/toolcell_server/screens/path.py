"""
Whether a text looks like a path that leaves its folder.  Pure.
"""

from __future__ import annotations

import re
from typing import Final

_PATTERNS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?:^|[/\\])\.\.(?:[/\\;]|$)",
        r"\.{4,8}[/\\]{2}",
        r"^[/\\]{1,2}(?:etc|proc|sys|dev|root|boot|run|var[/\\]run|var[/\\]log)(?:[/\\]|$)",
        r"/etc/(?:passwd|shadow|hosts|group|sudoers|ssh|ssl|crontab)\b",
        r"/proc/(?:self|\d{1,7}|version|environ)\b",
        r"(?:^|[/\\])\.(?:ssh|aws|kube|docker|gnupg|netrc|pgpass|git)(?:[/\\]|$)",
        r"^~\w{0,32}(?:[/\\]|$)",
        r"^[a-z]:[\\/]",
        r"^\\\\[\w.?-]",
        r"^(?:file|php|phar|zip|expect|glob):/{0,2}\S",
        r"\bwindows[\\/](?:system32|win\.ini|system\.ini)",
        r"::\$(?:data|index_allocation)",
    )
)


def looks_like(text: str) -> bool:
    """
    Whether one reading of a text does.
    """
    return any(pattern.search(text) for pattern in _PATTERNS)
