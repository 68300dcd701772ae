"""
Whether a text holds an expression that a template engine would act on.  Pure.

A placeholder alone does not ("use {{ name }} in the template"): it must count, reach into objects,
or name what gives access to the engine's host.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENDS: Final = {
    "{{": "}}",
    "{%": "%}",
    "${": "}",
    "#{": "}",
    "*{": "}",
    "@{": "}",
    "~{": "}",
    "<%": "%>",
    "[[": "]]",
    "@(": ")",
    "{": "}",
}
_BEGINS: Final = re.compile(r"\{\{|\{%|[$#*@~]\{|<%|\[\[|@\(|\{")
_LONGEST: Final = 1024  # characters between the ends that are looked at
_ACTS: Final = re.compile(
    r"__\w{2,32}__|\b(?:popen|subprocess|os\.system|eval|exec|system|passthru|shell_exec|getruntime"
    r"|processbuilder|runtime|classloader|forname|newinstance|process\.mainmodule|child_process"
    r"|file_get_contents|readfile|phpinfo)\s{0,4}\(|\brequire\s{0,4}\(|child_process"
    r"|\bprocess\.(?:env|mainmodule)"
    r"|\.\s{0,4}constructor\b|\bconstructor\s{0,4}\[|\|\s{0,4}attr\s{0,4}\(|\bt\s{0,4}\(\s{0,4}java\."
    r"|java\.lang|freemarker\.|\?new\s{0,4}\(|\b(?:cycler|joiner|lipsum|namespace)\s{0,4}\."
    r"|\b(?:request|self|session|g)\s{0,4}(?:\.\s{0,4}(?:application|environ|args|__|_)|\[\s{0,4}['\"]__)"
    r"|^\s{0,4}(?:config|self|request|settings)(?:\s{0,4}$|\.items|\[|\.secret)"
    r"|\b(?:url_for|get_flashed_messages)\s{0,4}(?:\.|\[)|\bimport\s{1,4}\w{1,32}\s{0,4}$"
    r"|\|\s{0,4}(?:map|filter|sort|reduce)\s{0,4}\(\s{0,4}['\"](?:system|exec|passthru)"
    r"|_self\.|\bsetcache|registerundefined|\bdump\s{0,4}\(\s{0,4}app"
)
_COUNTS: Final = re.compile(
    r"^\s{0,4}['\"]?\d{1,12}['\"]?\s{0,4}[*+/-]\s{0,4}['\"]?\d{1,12}['\"]?\s{0,4}$"
)
_LOOKUPS: Final = re.compile(
    r"\$\{\s{0,4}(?:jndi|lower|upper|env|sys|java|ctx|script|dns|url|date|::-)\s{0,4}[:\w-]|\$\{[^{}]{0,64}\$\{"
    r"|#set\s{0,4}\(\s{0,4}\$|\{php\}|<\?php|<\?=|<#assign|<#if|#include\s{0,4}\(|\{\{#with"
)
_FORMATS: Final = re.compile(r"\{[\w.\[\]]{0,64}__\w{2,32}__")


def looks_like(text: str) -> bool:
    """
    Whether one reading of a text does.
    """
    if _LOOKUPS.search(text) or _FORMATS.search(text):
        return True
    return any(
        _ACTS.search(inner) or (mark != "{" and _COUNTS.search(inner))
        for mark, inner in _inside(text)
    )


def _inside(text: str) -> Iterator[tuple[str, str]]:
    """
    What stands between the marks of an expression, and which; each character once.
    """
    at = 0
    while found := _BEGINS.search(text, at):
        begin, mark = found.end(), found[0]
        end = text.find(_ENDS[mark], begin, begin + _LONGEST)
        at = begin + _LONGEST if end < 0 else end
        yield mark, text[begin:at].strip("=- {")
