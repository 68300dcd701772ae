"""
The host, port and protocol of a URL that a caller sends.  Pure.

urllib, requests, curl and browsers read a strange URL in different ways, and the grant must be for
the host that the tool will speak to.  So nothing is repaired here: a URL is taken only if RFC 3986
and WHATWG read it alike, character by character.  Backslashes (a slash to WHATWG), tabs and line
ends (dropped by WHATWG and urllib), user names (`allowed@evil`), percent signs in a host, and `?`
or `#` without a slash before it (where old parsers looked on for an `@`) are refused.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from toolcell_server.egress.names import Pattern, normalised
from toolcell_server.egress.rules import Protocol, Rule, parsed_port

_SHAPE: Final = re.compile(r"(?P<scheme>[A-Za-z]+)://(?P<authority>[^/?#]+)(?P<rest>.*)")
_PROTOCOLS: Final = {"https": (Protocol.TLS, "443"), "http": (Protocol.HTTP, "80")}
# Control, format, surrogate, unassigned; the separators of words, lines and paragraphs.
_UNSEEN: Final = ("C", "Z")


def rule_of(url: str) -> Rule:
    """
    The rule that grants exactly where a URL leads.

    Raises:
        ValueError: it is no http(s) URL, names an address, or could be read in two ways.
    """
    if strange := next((each for each in url if _strange(each)), ""):
        raise ValueError(f"has the character {strange!a}; leave it out, or encode it with %")
    found = _SHAPE.fullmatch(url)
    if not found or found["scheme"].lower() not in _PROTOCOLS:
        raise ValueError("is no URL that begins with https:// or http:// and a host; write it so")
    protocol, usual_port = _PROTOCOLS[found["scheme"].lower()]
    authority = found["authority"]
    if "@" in authority:
        raise ValueError("has a user name before the host; leave it out")
    if not found["rest"].startswith("/") and found["rest"]:
        raise ValueError("has ? or # right after the host; write a / before it")
    # More than one colon is an IPv6 address, which is refused by its name.
    one_colon = authority.count(":") == 1
    host, digits = authority.split(":") if one_colon else (authority, usual_port)
    return Rule(Pattern(normalised(host)), parsed_port(digits), protocol)


def _strange(character: str) -> bool:
    return character == "\\" or unicodedata.category(character)[0] in _UNSEEN
