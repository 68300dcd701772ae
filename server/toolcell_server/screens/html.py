"""
Whether a text holds HTML that acts: scripts, frames, handlers of events.  Pure.

Markup alone does not (`<b>`, `<i>`, "1<2", "<3"), nor does escaped text (`&lt;script&gt;`).
"""

from __future__ import annotations

import html
import re
from typing import Final

_TAGS: Final = re.compile(
    r"</?(?:script|iframe|frame|frameset|object|embed|applet|svg|math|link|meta|base"
    r"|form|style|template|noscript|xml|portal|marquee|isindex|xss)(?=[\s/>\"'&]|$)"
)
_HANDLERS: Final = re.compile(r"<[a-z!/?][^<>]{0,512}[\s/\"'&;]on[a-z]{3,24}\s{0,8}=")
_SOURCES: Final = re.compile(r"<[a-z][^<>]{0,512}[\s/\"']srcdoc\s{0,8}=")
_SCRIPT: Final = "".join(rf"{letter}[\s\\]{{0,3}}" for letter in "javascript")
_SCRIPTS: Final = re.compile(
    rf"(?:=\s{{0,8}}['\"]?|\]\(|^|url\(['\"]?)\s{{0,8}}(?:{_SCRIPT}|vbscript):\s{{0,4}}\S(?<!:\s)"
)
_PROSE: Final = re.compile(r"^\s{0,8}javascript:\s")
_DATA: Final = re.compile(r"\bdata:(?:text/html|image/svg\+xml|application/xhtml)")
_STYLE: Final = re.compile(
    r"style\s{0,4}=[^<>]{0,200}(?:expression\s{0,4}\(|-moz-binding|behavior:)"
)
_ENTITY: Final = re.compile(r"&(?:#x?[0-9a-f]{1,7}|tab|newline|colon|lpar);?")


def looks_like(text: str) -> bool:
    """
    Whether one reading of a text does.
    """
    if "<" in text and any(
        pattern.search(text) for pattern in (_TAGS, _HANDLERS, _SOURCES, _STYLE)
    ):
        return True
    ways = {text, html.unescape(text)} if _ENTITY.search(text) else {text}
    return any(_acts(way) for way in ways)


def _acts(text: str) -> bool:
    if _DATA.search(text):
        return True
    return bool(_SCRIPTS.search(text)) and not _PROSE.match(text)
