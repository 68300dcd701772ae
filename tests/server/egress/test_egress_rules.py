"""
Rules of egress: what an entry of a manifest's domains grants, and what is refused.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from toolcell_server.egress.names import Pattern
from toolcell_server.egress.rules import Protocol, Rule

# An entry, then name, port, protocol, and the canonical text.
FORMS = {
    "a bare 443": ("a.example:443", "a.example", 443, "tls", "a.example:443"),
    "a bare 80": ("a.example:80", "a.example", 80, "http", "a.example:80"),
    "another bare port": ("a.example:5432", "a.example", 5432, "tcp", "a.example:5432"),
    "https": ("https://a.example", "a.example", 443, "tls", "a.example:443"),
    "https elsewhere": ("https://a.example:8443", "a.example", 8443, "tls", "tls://a.example:8443"),
    "https at 80": ("https://a.example:80", "a.example", 80, "tls", "tls://a.example:80"),
    "http": ("http://a.example", "a.example", 80, "http", "a.example:80"),
    "http elsewhere": ("http://a.example:8080", "a.example", 8080, "http", "http://a.example:8080"),
    "http at 443": ("http://a.example:443", "a.example", 443, "http", "http://a.example:443"),
    "tls": ("tls://a.example:993", "a.example", 993, "tls", "tls://a.example:993"),
    "tls at 443": ("tls://a.example:443", "a.example", 443, "tls", "a.example:443"),
    "tcp": ("tcp://a.example:22", "a.example", 22, "tcp", "a.example:22"),
    "tcp at 443": ("tcp://a.example:443", "a.example", 443, "tcp", "tcp://a.example:443"),
    "capitals": ("HTTPS://A.Example.:443", "a.example", 443, "tls", "a.example:443"),
    "a wildcard": ("*.a.example:443", "*.a.example", 443, "tls", "*.a.example:443"),
    "the highest port": ("a.example:65535", "a.example", 65535, "tcp", "a.example:65535"),
    "a table": ({"domain": "a.example:443"}, "a.example", 443, "tls", "a.example:443"),
}

TABLES: dict[str, dict[str, Any]] = {
    "without SNI": {"domain": "a.example:443", "without_sni": True},
    "with an encrypted hello": {"domain": "*.a.example:443", "encrypted_hello": True},
    "methods": {"domain": "a.example:80", "methods": ["GET", "HEAD"]},
    "paths": {"domain": "http://a.example:8080", "path_prefixes": ["/v1", "/v2/items"]},
    "a credential": {"domain": "a.example:80", "methods": ["POST"], "credential": "weather_key"},
    "a credential elsewhere": {
        "domain": "a.example:80",
        "credential": "weather-key",
        "upstream_port": 8443,
    },
}

REFUSED: dict[str, tuple[Any, str]] = {
    "nothing": ("", "is empty"),
    "no port": ("a.example", "names no port; write it as host:443"),
    "no port for tcp": ("tcp://a.example", "names no port"),
    "no port for tls": ("tls://a.example", "names no port"),
    "an empty port": ("a.example:", "names no port"),
    "port 0": ("a.example:0", "from 1 to 65535"),
    "a port too high": ("a.example:99999", "from 1 to 65535"),
    "a port one too high": ("a.example:65536", "from 1 to 65535"),
    "a list of ports": ("a.example:80,443", "in each entry"),
    "a range of ports": ("a.example:80-90", "in each entry"),
    "any port": ("a.example:*", "from 1 to 65535"),
    "a port with a sign": ("a.example:+443", "from 1 to 65535"),
    "a port with a zero before it": ("a.example:0443", "from 1 to 65535"),
    "a port with a space": ("a.example: 443", "from 1 to 65535"),
    "a port with a line end": ("a.example:443\n", "from 1 to 65535"),
    "a port in other digits": ("a.example:\u0664\u0664\u0663", "from 1 to 65535"),
    "a port with a slash": ("a.example:443/", "from 1 to 65535"),
    "two ports": ("a.example:443:80", "':'"),
    "a path": ("https://a.example/v1", "'/'"),
    "a user name": ("https://user@a.example", "'@'"),
    "a user name and a password": ("https://a.example:x@evil.example:443", "':'"),
    "no host": ("https://:443", "is empty"),
    "another scheme": ("ftp://a.example:21", "use one of https, http, tls, tcp"),
    "no scheme": ("://a.example:443", "use one of"),
    "two schemes": ("http://https://a.example", "use one of"),
    "an IPv4 address": ("127.0.0.1:443", "an address"),
    "an IPv6 address": ("[::1]:443", r"'\['"),
    "an IPv6 address in a URL": ("https://[::1]", r"'\['"),
    "any host": ("*:443", "elsewhere"),
    "a wildcard of a top label": ("*.com:443", "covers all of com"),
    "a number": (443, "is no entry"),
    "a list": (["a.example:443"], "is no entry"),
    "a table without a domain": ({"methods": ["GET"]}, "is no entry"),
    "a table whose domain is no text": ({"domain": 5}, "is no entry"),
    "an unknown key": ({"domain": "a.example:80", "method": "GET"}, "has the key 'method'"),
    "a switch that is no switch": ({"domain": "a.example:443", "without_sni": 1}, "true or false"),
    "a method that is no list": ({"domain": "a.example:80", "methods": "GET"}, "list of texts"),
    "no methods": ({"domain": "a.example:80", "methods": []}, "list of texts, or left out"),
    "a method in lower case": ({"domain": "a.example:80", "methods": ["get"]}, "write it as GET"),
    "a tunnel": ({"domain": "a.example:80", "methods": ["CONNECT"]}, "opens a tunnel"),
    "methods of what is encrypted": (
        {"domain": "a.example:443", "methods": ["GET"]},
        "methods needs http, and this is tls",
    ),
    "methods of what is not read": ({"domain": "a.example:9", "methods": ["GET"]}, "this is tcp"),
    "paths of what is encrypted": (
        {"domain": "a.example:443", "path_prefixes": ["/"]},
        "path_prefixes needs http",
    ),
    "an SNI of what is not encrypted": (
        {"domain": "a.example:80", "without_sni": True},
        "without_sni needs tls",
    ),
    "an encrypted hello of what has none": (
        {"domain": "a.example:22", "encrypted_hello": True},
        "encrypted_hello needs tls",
    ),
    "no paths": ({"domain": "a.example:80", "path_prefixes": []}, "list of texts, or left out"),
    "a relative path": ({"domain": "a.example:80", "path_prefixes": ["v1"]}, "begin with /"),
    "a path that climbs": ({"domain": "a.example:80", "path_prefixes": ["/a/../b"]}, "part . or"),
    "a path with a query": ({"domain": "a.example:80", "path_prefixes": ["/a?b"]}, "character"),
    "a path with a star": ({"domain": "a.example:80", "path_prefixes": ["/a//*"]}, "empty part"),
    "an empty credential": ({"domain": "a.example:80", "credential": ""}, "a text, or left out"),
    "a credential that is no name": (
        {"domain": "a.example:80", "credential": "a key"},
        "is no name",
    ),
    "a credential for tls": ({"domain": "a.example:443", "credential": "key"}, "needs http"),
    "a credential for a wildcard": (
        {"domain": "*.a.example:80", "credential": "key"},
        "must not go to whatever a wildcard covers",
    ),
    "an upstream port without a credential": (
        {"domain": "a.example:80", "upstream_port": 8443},
        "is for a credential",
    ),
    "an upstream port that is none": (
        {"domain": "a.example:80", "credential": "key", "upstream_port": 0},
        "port 0",
    ),
    "an upstream port that is a switch": (
        {"domain": "a.example:80", "credential": "key", "upstream_port": True},
        "must be a number",
    ),
}


@pytest.mark.parametrize(("entry", "name", "port", "protocol", "text"), FORMS.values(), ids=FORMS)
def test_an_entry_grants_one_port_by_one_protocol(
    entry: Any, name: str, port: int, protocol: str, text: str
) -> None:
    """
    What a port carries decides what is looked at before anything passes.
    """
    rule = Rule.parse(entry)

    assert Rule(Pattern.parse(name), port, Protocol(protocol)) == rule
    assert text == rule.text
    assert rule == Rule.parse(rule.text)


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_a_table_keeps_its_options(table: dict[str, Any]) -> None:
    """
    An option that got lost would grant more than was written.
    """
    rule = Rule.parse(table)

    assert table == rule.entry
    assert rule == Rule.parse(rule.entry)


@pytest.mark.parametrize(("entry", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_bad_entry_is_refused_by_name(entry: Any, reason: str) -> None:
    """
    An entry that grants nothing, or something else, must not be found out by a caller.
    """
    with pytest.raises(ValueError, match=reason) as caught:
        Rule.parse(entry)

    assert str(caught.value).startswith(f"domains: {entry!r:.160}: ")


@given(
    st.sampled_from(["a.example", "*.a.example", "xn--mnchen-3ya.example"]),
    st.integers(min_value=1, max_value=65535),
    st.sampled_from(Protocol),
)
def test_every_rule_can_be_read_back(name: str, port: int, protocol: Protocol) -> None:
    """
    A caller narrows by the texts that an event showed it.
    """
    rule = Rule(Pattern.parse(name), port, protocol)

    assert rule == Rule.parse(rule.text)
    assert rule.text == rule.entry
