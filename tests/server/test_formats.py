"""
Every format of both dialects, asserted by its RFC.
"""

from __future__ import annotations

import time
from typing import Any

import pytest
from toolcell_server import formats
from toolcell_server.schema_check import check

RIGHT: dict[str, tuple[str, ...]] = {
    "date": ("2024-02-29", "1970-01-01"),
    "time": ("12:00:00Z", "23:59:60Z", "08:30:06.283185+01:30", "15:59:60-08:00"),
    "date-time": (
        "2024-02-29T12:00:00Z",
        "1990-12-31t15:59:60-08:00",
        "2024-01-01T00:00:00.5+00:00",
    ),
    "duration": ("P1Y2M3DT4H5M6S", "PT0S", "P4W", "P1D", "-P1DT0.5S"),
    "email": ("a@example.com",),
    "idn-email": ("\uc2e4\ub840@\uc2e4\ub840.\ud14c\uc2a4\ud2b8",),
    "hostname": ("example.com", "xn--bcher-kva.example", "a", "example.com."),
    "idn-hostname": ("bücher.example",),
    "ipv4": ("192.0.2.1",),
    "ipv6": ("::1", "2001:db8::1", "::ffff:192.0.2.1"),
    "uri": (
        "https://example.com/a?b=c#d",
        "urn:isbn:0451450523",
        "http://[::1]:80/",
        "mailto:a@b.c",
    ),
    "uri-reference": ("/a/b", "../x", "", "?q", "//host/x", "https://e.com/%20"),
    "iri": ("https://bücher.example/é",),
    "iri-reference": ("/é",),
    "uri-template": ("/a/{b}{?c,d*}", "/plain", "{+path:3}"),
    "json-pointer": ("", "/a/0/b~1c", "/"),
    "relative-json-pointer": ("0", "1/a", "0#", "2+1/b"),
    "uuid": ("123e4567-e89b-12d3-a456-426614174000",),
    "regex": ("^a+$",),
}
WRONG: dict[str, tuple[str, ...]] = {
    "date": ("2023-02-29", "2024-1-1", "20240101", "2024-W01-1", "\u0662\u0660\u0662\u0664-01-01"),
    "time": ("12:00:00", "24:00:00Z", "12:60:00Z", "22:59:60Z", "12:00Z", "12:00:00+25:00"),
    "date-time": ("2024-02-30T12:00:00Z", "2024-01-01 12:00:00Z", "2024-01-01T12:00:00", "now", ""),
    "duration": ("P", "PT", "1D", "P1", "P1H", "P1YT", "P1W2D"),
    "email": ("a", "a@b@c", "a b@c", "@b", "a@"),
    "idn-email": ("x",),
    "hostname": ("-a.com", "a..b", "a_b", "", "a" * 64, "xn--x", ("a" * 60 + ".") * 5),
    "idn-hostname": ("\u302e\ud55c\uad6d.\ud14c\uc2a4\ud2b8", "", "-a"),
    "ipv4": ("256.0.0.1", "1.2.3", "0x7f.0.0.1", "01.2.3.4"),
    "ipv6": ("::g", "fe80::1%eth0", "1::2::3"),
    "uri": ("example.com", "/a", "http://a b", "http://[::g]/", "http://a:b/", "a:%zz", "http://e.com/é"),
    "uri-reference": ("\\\\x", "a:b c", "#a#b", "%", "/a[b]"),
    "iri": ("bücher", "http://a b"),
    "iri-reference": ("a b",),
    "uri-template": ("/{", "{}", "/a/{b", "<a>"),
    "json-pointer": ("a", "/a~2", "/~"),
    "relative-json-pointer": ("/a", "01", "a", "0##"),
    "uuid": ("123e4567e89b12d3a456426614174000", "123e4567-e89b-12d3-a456-42661417400g"),
    "regex": ("(", "a**"),
}  # fmt: skip
DIALECTS = (
    "https://json-schema.org/draft/2020-12/schema",
    "http://json-schema.org/draft-07/schema#",
)


def test_every_format_that_is_asserted_is_tried() -> None:
    assert formats.ASSERTED == set(RIGHT) == set(WRONG)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", RIGHT)
def test_a_format_takes_what_is_one_and_nothing_else(name: str, dialect: str) -> None:
    """
    In both dialects alike.
    """
    validator = check({"$schema": dialect, "format": name}).validator

    assert [] == [text for text in RIGHT[name] if not validator.is_valid(text)]
    assert [] == [text for text in WRONG[name] if validator.is_valid(text)]
    assert validator.is_valid(7)


HOSTILE = (
    "a",
    "1",
    ":",
    "/",
    "~0",
    "%41",
    "[",
    "{a}",
    "{a,",
    "P1Y",
    "a.",
    "a@",
    "é",
    "-",
    "=",
    "1:",
)


@pytest.mark.parametrize("name", formats.QUICK)
def test_no_text_makes_a_format_slow(name: str) -> None:
    """
    A megabyte of the worst takes well below a second; a backtracking one would take years.
    """
    check_one: Any = check({"format": name}).validator
    for part in HOSTILE:
        text = part * (2**20 // len(part))
        begun = time.process_time()
        check_one.is_valid(text + "\n!")

        assert time.process_time() - begun < 5, part
