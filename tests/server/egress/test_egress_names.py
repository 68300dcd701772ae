"""
Host names: one spelling each, and nothing that could be read as two.
"""

from __future__ import annotations

import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st
from toolcell_server.egress.names import NotAName, normalised

SPELLINGS = {
    "as it is": ("api.example.com", "api.example.com"),
    "in capitals": ("API.Example.COM", "api.example.com"),
    "with the root's dot": ("example.com.", "example.com"),
    "one label": ("database", "database"),
    "an underscore at the beginning of a label": (
        "_http._tcp.example.com",
        "_http._tcp.example.com",
    ),
    "an underscore inside a label": ("my_bucket.example.com", "my_bucket.example.com"),
    "hyphens third and fourth": ("r3---sn-x.example.com", "r3---sn-x.example.com"),
    "a number before the last label": ("127.0.0.1.example.com", "127.0.0.1.example.com"),
    "a last label that only begins with a number": ("1.2.3.4a", "1.2.3.4a"),
    "a last label that only looks hexadecimal": ("example.0xg", "example.0xg"),
    "umlauts": ("M\u00dcnchen.example", "xn--mnchen-3ya.example"),
    "umlauts in two characters": ("mu\u0308nchen.example", "xn--mnchen-3ya.example"),
    "Punycode": ("XN--MNCHEN-3YA.example", "xn--mnchen-3ya.example"),
    "Cyrillic": (
        "\u043f\u0440\u0438\u043c\u0435\u0440.\u0440\u0444",
        "xn--e1afmkfd.xn--p1ai",
    ),
    "a sharp s as Punycode": ("xn--fa-hia.de", "xn--fa-hia.de"),
    "63 characters in a label": ("a" * 63 + ".com", "a" * 63 + ".com"),
    "253 characters": ("a." * 126 + "a", "a." * 126 + "a"),
    "253 characters and the root's dot": ("a." * 127, "a." * 126 + "a"),
}

REFUSED = {
    "nothing": ("", "is empty"),
    "a dot": (".", "is empty"),
    "two dots at the end": ("example.com..", "empty label"),
    "a dot at the beginning": (".example.com", "empty label"),
    "two dots inside": ("example..com", "empty label"),
    "64 characters in a label": ("a" * 64 + ".com", "longer than 63"),
    "254 characters": ("a." * 126 + "aa", "longer than 253"),
    "more than 253 once encoded": ("\u00e4." * 60 + "com", "longer than 253 characters in ASCII"),
    "a label that grows too long": ("\u00e4" * 60 + ".com", "IDNA 2008 does not allow|longer"),
    "a hyphen at the beginning": ("-a.example.com", "hyphen"),
    "a hyphen at the end": ("a-.example.com", "hyphen"),
    # Whatever a resolver would take for an address.
    "an IPv4 address": ("127.0.0.1", "an address"),
    "an IPv4 address with the root's dot": ("127.0.0.1.", "an address"),
    "a short IPv4 address": ("127.1", "an address"),
    "a decimal address": ("2130706433", "an address"),
    "a hexadecimal address": ("0x7f000001", "an address"),
    "a hexadecimal address in capitals": ("0X7F000001", "an address"),
    "a hexadecimal last part": ("127.0x1", "an address"),
    "0x alone, which is zero to WHATWG": ("127.0x", "an address"),
    "an octal address": ("0177.0.0.1", "an address"),
    "a number too large for an address": ("99999999999", "an address"),
    "full-width digits": ("\uff11\uff12\uff17.1", "read differently"),
    "an IPv6 address": ("::1", "':'"),
    "an IPv6 address in brackets": ("[::1]", r"'\['"),
    "a mapped address": ("[::ffff:127.0.0.1]", r"'\['"),
    "a zone": ("fe80::1%eth0", "':'"),
    "a zone without a colon": ("host%eth0", "'%'"),
    # Whatever a parser would cut off, drop or decode.
    "a user name": ("allowed@evil.example", "'@'"),
    "a port": ("example.com:443", "':'"),
    "a path": ("example.com/a", "'/'"),
    "a query": ("example.com?a", r"'\?'"),
    "a fragment": ("example.com#a", "'#'"),
    "a backslash": ("example.com\\.evil.example", r"'\\\\'"),
    "a percent-encoded dot": ("example%2ecom", "'%'"),
    "a space": ("example.com ", "' '"),
    "a tab": ("exam\tple.com", r"'\\t'"),
    "a NUL": ("example.com\0.evil.example", r"'\\x00'"),
    "a line end": ("example.com\n", r"'\\n'"),
    "a header": ("example.com\r\nHost: evil.example", r"'\\r'"),
    "a star": ("*.example.com", r"'\*'"),
    "a comma": ("a.example,b.example", "','"),
    # Whatever looks like another name, or is one to another generation of IDNA.
    "a full-width letter": ("\uff45xample.com", "read differently"),
    "an ideographic full stop": ("example\u3002com", "read differently"),
    "a full-width full stop": ("example\uff0ecom", "read differently"),
    "a half-width full stop": ("example\uff61com", "read differently"),
    "a full-width slash": ("example.com\uff0fevil.example", "read differently"),
    "a sign that maps to a/c": ("evil.c\u2100.example.com", "read differently"),
    "a soft hyphen": ("exa\u00admple.com", "read differently"),
    "a zero-width space": ("exa\u200bmple.com", "read differently"),
    "a zero-width joiner": ("exa\u200dmple.com", "read differently"),
    "a Kelvin sign": ("\u212aelvin.example", "read differently"),
    "a long s": ("example.\u017fh", "read differently"),
    "a ligature": ("o\ufb03ce.example", "read differently"),
    "a sharp s": ("fa\u00df.de", "read differently"),
    "a capital sharp s": ("FA\u1e9e.de", "read differently"),
    "a final sigma": ("\u03b2\u03cc\u03bb\u03bf\u03c2.com", "read differently"),
    "a mark from right to left": ("example\u202e.com", "read differently"),
    "a no-break space": ("example\u00a0.com", "read differently"),
    "a surrogate": ("\ud800.com", "read differently"),
    "an emoji": ("\u2764.example", "read differently|does not allow"),
    "an emoji as Punycode": ("xn--qei.example", "encodes no IDNA 2008 name"),
    "a capital as Punycode": ("xn--mnchen-psa.example", "encodes no IDNA 2008 name"),
    "another spelling of Punycode": ("xn---bbk.de", "encodes no IDNA 2008 name"),
    "broken Punycode": ("xn--\u0061999999999.example", "encodes no IDNA 2008 name"),
    "Punycode of nothing": ("xn--a-.example", "hyphen"),
    "Punycode of ASCII": ("xn--example-.com", "hyphen"),
    "Latin among Hebrew": ("\u05d0a\u05d1.example", "does not allow"),
    "a mark that stands first": ("\u0301a.example", "does not allow"),
}


@pytest.mark.parametrize(("text", "name"), SPELLINGS.values(), ids=SPELLINGS)
def test_a_name_has_one_spelling(text: str, name: str) -> None:
    """
    Rules and requests are compared letter by letter.
    """
    assert name == normalised(text)


@pytest.mark.parametrize(("text", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_could_be_read_as_two_names_is_refused(text: str, reason: str) -> None:
    """
    What is repaired here could be repaired otherwise by the tool, or seen otherwise by a person.
    """
    with pytest.raises(NotAName, match=reason):
        normalised(text)


def test_a_homoglyph_is_another_name() -> None:
    """
    A Cyrillic letter that looks like an a must not be taken for one.
    """
    assert "xn--exmple-4nf.com" == normalised("ex\u0430mple.com")


TEXTS = st.one_of(
    st.text(max_size=40),
    st.text("aA1.-_x0\u00e4\u0430\u3002:%@[]", max_size=20),
    st.lists(st.sampled_from(["0x7f", "127", "0", "1", "a", "", "xn--", "08"]), max_size=5).map(
        ".".join
    ),
)


@given(TEXTS)
def test_a_normalised_name_is_never_an_address_and_stays_as_it_is(text: str) -> None:
    """
    Whatever gets through is looked up by a resolver, which must not take it for an address.
    """
    try:
        name = normalised(text)
    except NotAName:
        return

    assert name == normalised(name)
    assert name == normalised(f"{name.upper()}.")
    with pytest.raises(OSError, match="illegal"):
        socket.inet_aton(name)
    with pytest.raises(ValueError, match="does not appear to be"):
        ipaddress.ip_address(name)
