"""
Domain templates: what a caller's argument grants, and what it cannot.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from toolcell_server.egress.rules import Rule
from toolcell_server.egress.templates import DomainTemplate, check
from toolcell_server.egress.urls import rule_of

PARAMETERS = {"type": "object", "properties": {"url": {"type": "string"}, "host": {}}}

REFUSED: dict[str, tuple[Any, str]] = {
    "two arguments": ("{host}{url}:443", "stands alone"),
    "an argument for the port": ("a.example:{host}", "stands alone"),
    "an argument inside a name": ("{host}.example:443", "stands alone"),
    "an argument behind a name": ("a.{host}:443", "stands alone"),
    "a wildcard over an argument": ("*.{host}:443", "stands alone"),
    "an argument and a path": ("https://{host}/a", "stands alone"),
    "an argument and a user": ("https://user@{host}", "stands alone"),
    "an argument that is not closed": ("{host:443", "stands alone"),
    "an argument that is not opened": ("host}:443", "stands alone"),
    "braces in braces": ("{{host}}:443", "stands alone"),
    "no name": ("{}:443", "stands alone"),
    "an argument that does not exist": ("{file}:443", "no argument of this tool"),
    "another scheme": ("ftp://{host}:21", "use one of"),
    "port 0": ("{host}:0", "from 1 to 65535"),
    "no port for tcp": ("tcp://{host}", "names no port"),
    "a bad literal": ("127.0.0.1:443", "an address"),
    "no text": (5, "is no entry"),
    "methods for every URL": ({"domain": "{url}", "methods": ["GET"]}, "cannot be kept"),
    "a credential for every URL": ({"domain": "{url}", "credential": "key"}, "cannot be kept"),
    "a credential for every host": (
        {"domain": "http://{host}", "credential": "key"},
        "must not go to a host that the caller names",
    ),
    "an option that the protocol cannot keep": (
        {"domain": "{host}:443", "methods": ["GET"]},
        "methods needs http",
    ),
}

GRANTED: dict[str, tuple[Any, dict[str, Any], list[Any]]] = {
    "a literal": ("a.example:443", {"url": "https://b.example"}, ["a.example:443"]),
    "a URL": ("{url}", {"url": "https://a.example/x?y#z"}, ["a.example:443"]),
    "a URL of plain HTTP": ("{url}", {"url": "http://a.example"}, ["a.example:80"]),
    "a URL with a port": ("{url}", {"url": "http://a.example:8080/"}, ["http://a.example:8080"]),
    "several URLs": (
        "{url}",
        {"url": ["https://a.example", "http://b.example"]},
        ["a.example:443", "b.example:80"],
    ),
    "no argument": ("{url}", {}, []),
    "null": ("{url}", {"url": None}, []),
    "no URLs": ("{url}", {"url": []}, []),
    "a host": ("{host}:443", {"host": "A.Example."}, ["a.example:443"]),
    "a host of a scheme": ("https://{host}", {"host": "a.example"}, ["a.example:443"]),
    "a host and a port": ("tcp://{host}:443", {"host": "a.example"}, ["tcp://a.example:443"]),
    "hosts": ("{host}:22", {"host": ["a.example", "b.example"]}, ["a.example:22", "b.example:22"]),
    "a host with options": (
        {"domain": "http://{host}", "methods": ["GET"]},
        {"host": "a.example"},
        [{"domain": "a.example:80", "methods": ["GET"]}],
    ),
}

BAD_URLS = {
    "nothing": "",
    "no scheme": "a.example/x",
    "no host": "https://",
    "an empty host": "https:///a.example",
    "one slash": "https:/a.example",
    "no slash": "https:a.example",
    "no scheme but slashes": "//a.example",
    "a file": "file:///etc/passwd",
    "another scheme": "ftp://a.example/",
    "a scheme of tools": "gopher://a.example:70/_",
    "a script": "javascript://a.example/%0aalert(1)",
    "a scheme in front": "url:https://a.example",
    "a space in front": " https://a.example",
    "a space behind": "https://a.example ",
    "a control character in front": "\x01https://a.example",
    "a user name": "https://allowed.example@evil.example/",
    "a user name and a password": "https://a:b@evil.example/",
    "an empty user name": "https://@evil.example/",
    "two at signs": "https://a@b@evil.example/",
    "a user name behind a fragment": "https://allowed.example#@evil.example/",
    "a user name behind a query": "https://allowed.example?@evil.example/",
    "a query right after the host": "https://a.example?x=1",
    "a fragment right after the host": "https://a.example#x",
    "a backslash": "https://allowed.example\\@evil.example/",
    "backslashes for slashes": "https:\\\\evil.example/",
    "a backslash behind the host": "https://evil.example\\.allowed.example/",
    "a tab": "https://exam\tple.com/",
    "a tab in the scheme": "ht\ttps://a.example/",
    "a line end": "https://a.example/\n",
    "a header": "https://a.example/\r\nHost: evil.example",
    "a NUL": "https://a.example\0.evil.example/",
    "a space in the path": "https://a.example/a b",
    "a no-break space": "https://a.example\u00a0/",
    "a line separator": "https://a.example/\u2028",
    "a mark from right to left": "https://a.example/\u202e",
    "a byte order mark": "\ufeffhttps://a.example/",
    "a surrogate": "https://a.example/\ud800",
    "an encoded dot": "https://example%2ecom/",
    "an encoded slash": "https://allowed.example%2f.evil.example/",
    "an encoded at sign": "https://a%40b.example/",
    "an IPv4 address": "http://169.254.169.254/latest/",
    "a decimal address": "http://2130706433/",
    "a hexadecimal address": "http://0x7f.1/",
    "an octal address": "http://0177.0.0.1/",
    "an address with the root's dot": "http://127.0.0.1./",
    "an IPv6 address": "http://[::1]/",
    "an IPv6 address with a port": "http://[::1]:80/",
    "an IPv6 address without brackets": "http://::1/",
    "a zone": "http://[fe80::1%25eth0]/",
    "an empty port": "https://a.example:/",
    "port 0": "https://a.example:0/",
    "a port too high": "https://a.example:65536/",
    "a port with a zero before it": "https://a.example:0443/",
    "a port with a sign": "https://a.example:+443/",
    "two ports": "https://a.example:80:443/",
    "a port of letters": "https://a.example:https/",
    "a full-width full stop": "https://a\uff0eexample/",
    "a full-width slash": "https://allowed.example\uff0fevil.example/",
    "a sign that maps to a/c": "https://evil.c\u2100.example.com/",
    "a sharp s": "https://fa\u00df.de/",
    "a wildcard": "https://*.example.com/",
    "a template": "{host}",
    "two dots": "https://a..example/",
}

BAD_HOSTS = {
    "a port": "a.example:22",
    "a wildcard": "*.example.com",
    "a URL": "https://a.example",
    "a user name": "a@b.example",
    "an address": "127.0.0.1",
    "a template": "{url}",
    "two hosts": "a.example,b.example",
    "nothing": "",
}


@pytest.mark.parametrize(("entry", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_bad_template_is_refused_when_its_tool_is_registered(entry: Any, reason: str) -> None:
    """
    A template that grants nothing, or something else, must not be found out by a caller.
    """
    with pytest.raises(ValueError, match=f"^domains: .*{reason}"):
        check(DomainTemplate.parse(entry), PARAMETERS)


@pytest.mark.parametrize(("entry", "arguments", "rules"), GRANTED.values(), ids=GRANTED)
def test_a_template_grants_what_its_argument_names(
    entry: Any, arguments: dict[str, Any], rules: list[Any]
) -> None:
    """
    No more, because a model chooses the argument; no less, because the tool was called for it.
    """
    template = DomainTemplate.parse(entry)
    check(template, PARAMETERS)

    assert rules == [rule.entry for rule in template.expand(arguments)]


@pytest.mark.parametrize("url", BAD_URLS.values(), ids=BAD_URLS)
def test_a_url_that_could_be_read_in_two_ways_grants_nothing(url: str) -> None:
    """
    The grant is for the host that the tool will speak to, whichever library it uses.
    """
    with pytest.raises(ValueError, match=r"^(is|has|ends|names|covers) "):
        list(DomainTemplate.parse("{url}").expand({"url": url}))


@pytest.mark.parametrize("host", BAD_HOSTS.values(), ids=BAD_HOSTS)
def test_an_argument_that_is_no_host_grants_nothing(host: str) -> None:
    """
    The manifest chose port and protocol, and one host at a time.
    """
    with pytest.raises(ValueError, match=r"^(is|has|ends) "):
        list(DomainTemplate.parse("{host}:443").expand({"host": host}))


@pytest.mark.parametrize("value", [5, True, {"url": "https://a.example"}, [5], [["a"]], [None]])
def test_an_argument_that_is_no_text_grants_nothing(value: Any) -> None:
    """
    A tool may coerce what we would have to guess.
    """
    with pytest.raises(TypeError, match="must be a text or a list of texts"):
        list(DomainTemplate.parse("{url}").expand({"url": value}))


URLS = st.one_of(
    st.from_regex(r"https?://[aA.:/@#?\\\[\]%\t\n0-9{}\u3002-]{0,12}", fullmatch=True),
    st.lists(
        st.sampled_from(
            ["http", "https", ":", "/", "//", "@", "#", "?", "\\", "a.example", "b.example", "80"]
        ),
        max_size=9,
    ).map("".join),
)


@given(URLS)
def test_a_url_that_is_taken_is_read_alike_by_the_standard_library(url: str) -> None:
    """
    Another parser, which most tools use, must see the same host and port in whatever we take.
    """
    try:
        rule = rule_of(url)
    except ValueError:
        return
    parts = urlsplit(url)
    default = {"https": 443, "http": 80}[parts.scheme]

    assert (parts.hostname or "").removesuffix(".") == rule.pattern.name
    assert (parts.port or default) == rule.port
    assert parts.username is None
    assert rule == Rule.parse(f"{parts.scheme}://{rule.pattern.name}:{rule.port}")
