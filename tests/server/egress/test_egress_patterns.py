"""
Patterns of host names: what a wildcard stands for, and what it does not.
"""

from __future__ import annotations

import pytest
from toolcell_server.egress.names import NotAName, Pattern

MATCHES = {
    "a name itself": ("example.com", "example.com", True),
    "a name and what is below it": ("example.com", "a.example.com", False),
    "a name and one with more before it": ("example.com", "evil-example.com", False),
    "a name and one with more behind it": ("example.com", "example.com.evil.org", False),
    "a wildcard and a name below it": ("*.example.com", "a.example.com", True),
    "a wildcard and a name two below it": ("*.example.com", "a.b.example.com", True),
    "a wildcard and its apex": ("*.example.com", "example.com", False),
    "a wildcard and one with more before it": ("*.example.com", "evil-example.com", False),
    "a wildcard and one with more behind it": ("*.example.com", "a.example.com.evil.org", False),
    "a wildcard and another ending": ("*.example.com", "a.example.org", False),
    "a wildcard in capitals": ("*.EXAMPLE.com.", "a.example.com", True),
    "a wildcard over umlauts": ("*.M\u00fcnchen.example", "a.xn--mnchen-3ya.example", True),
    "a homoglyph": ("*.ex\u0430mple.com", "a.example.com", False),
}

REFUSED = {
    "a bare star": ("*", "elsewhere"),
    "a star and a dot": ("*.", "is empty"),
    "all of a top label": ("*.com", "covers all of com"),
    "all of a top label with the root's dot": ("*.com.", "covers all of com"),
    "a star within a label": ("a*.example.com", "elsewhere"),
    "a star at the end of a name": ("example.*", "elsewhere"),
    "a star further in": ("a.*.example.com", "elsewhere"),
    "two stars": ("*.*.example.com", "elsewhere"),
    "two stars in a label": ("**.example.com", "elsewhere"),
    "a dot alone": (".example.com", "empty label"),
    "a wildcard of an address": ("*.0.0.1", "an address"),
    "a full-width star": ("\uff0a.example.com", "read differently"),
}

COVERS = {
    "a wildcard and itself": ("*.example.com", "*.example.com", True),
    "a wildcard and a narrower one": ("*.example.com", "*.a.example.com", True),
    "a wildcard and a wider one": ("*.a.example.com", "*.example.com", False),
    "a wildcard and a name below it": ("*.example.com", "a.example.com", True),
    "a wildcard and its apex": ("*.example.com", "example.com", False),
    "a name and itself": ("example.com", "example.com", True),
    "a name and the wildcard over it": ("example.com", "*.example.com", False),
}


@pytest.mark.parametrize(("pattern", "name", "expected"), MATCHES.values(), ids=MATCHES)
def test_a_pattern_matches_whole_labels(pattern: str, name: str, *, expected: bool) -> None:
    """
    Suffixes of letters are how allowlists are walked around.
    """
    assert expected == Pattern.parse(pattern).matches(name)


@pytest.mark.parametrize(("text", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_star_elsewhere_is_refused(text: str, reason: str) -> None:
    """
    A pattern that its author reads otherwise than we do grants what nobody meant.
    """
    with pytest.raises(NotAName, match=reason):
        Pattern.parse(text)


@pytest.mark.parametrize(("wide", "narrow", "expected"), COVERS.values(), ids=COVERS)
def test_a_pattern_covers_what_it_matches_all_of(wide: str, narrow: str, *, expected: bool) -> None:
    """
    A caller may ask for less, and only for less.
    """
    assert expected == Pattern.parse(wide).covers(Pattern.parse(narrow))


@pytest.mark.parametrize("text", ["example.com", "*.example.com", "*.xn--mnchen-3ya.example"])
def test_a_pattern_keeps_its_text(text: str) -> None:
    """
    What a manifest says is what a person is asked to approve.
    """
    assert text == Pattern.parse(text).text
