"""
Makes text from elsewhere harmless to a terminal.  Pure.

Theory of operation.  A terminal obeys what it is shown: escape sequences retitle windows, move the
cursor over earlier lines and, in some terminals, type commands.  What a tool or a server says is
therefore shown with its control characters spelled out: C0 but for newline and tab, DEL, C1, and
the marks that reverse the direction of text.  A lone carriage return counts: it overwrites the
line.  Bytes that go to a file or a pipe are nobody's terminal, and are not touched.
"""

from __future__ import annotations

import re

# C0 without \t and \n, DEL and C1; line and paragraph separator; directional marks and isolates.
_HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def neutral(text: str) -> str:
    r"""
    The text with every harmful character spelled out as `\u001b`.
    """
    return _HARMFUL.sub(_spelled, text.replace("\r\n", "\n"))


def neutral_line(text: str) -> str:
    """
    The same on one line.
    """
    return neutral(text).replace("\n", "\\n").replace("\t", " ")


def _spelled(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
