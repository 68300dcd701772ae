"""
Paths of requests: a prefix holds whatever an origin makes of the path.
"""

from __future__ import annotations

import posixpath
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from toolcell_server.egress.request_paths import path_allowed

ALLOWED = {
    "the prefix itself": ("/a", "/a"),
    "below the prefix": ("/a", "/a/b"),
    "the prefix as a folder": ("/a", "/a/"),
    "a query": ("/a", "/a?next=/../b"),
    "a query below": ("/a", "/a/b?x=//y"),
    "a prefix with a slash at its end": ("/a/", "/a/b"),
    "everything": ("/", "/a/b"),
    "the root": ("/", "/"),
    "parameters": ("/a", "/a/b;v=1"),
    "dots in a name": ("/a", "/a/b..c/...d"),
    "an encoded space": ("/a", "/a/b%20c"),
    "encoded UTF-8": ("/a", "/a/%C3%BC"),
    "an encoded prefix, as it is written": ("/a%20b", "/a%20b/c"),
    "a colon and an at sign": ("/a", "/a/b:c@d"),
}

DENIED = {
    "another path": ("/a", "/b"),
    "a longer name": ("/a", "/ab"),
    "a shorter path": ("/a/b", "/a"),
    "the folder of a prefix with a slash": ("/a/", "/a"),
    "another case": ("/a", "/A"),
    "the prefix further in": ("/a", "/b/a"),
    "the prefix in the query": ("/a", "/b?/a"),
    "a step up": ("/a", "/a/../b"),
    "a step up at the end": ("/a", "/a/.."),
    "a step to itself": ("/a", "/a/./b"),
    "an encoded step up": ("/a", "/a/%2e%2e/b"),
    "a step up encoded in capitals": ("/a", "/a/%2E%2E/b"),
    "a half encoded step up": ("/a", "/a/.%2e/b"),
    "an encoded step to itself": ("/a", "/a/%2e/b"),
    "a step up with a parameter": ("/a", "/a/..;/b"),
    "a step up with a value": ("/a", "/a/..;x=1/b"),
    "a step up with an encoded parameter": ("/a", "/a/..%3b/b"),
    "a step up with a space": ("/a", "/a/..%20/b"),
    "an encoded slash": ("/a", "/a/..%2fb"),
    "an encoded slash in capitals": ("/a", "/a%2Fb"),
    "an encoded backslash": ("/a", "/a/..%5cb"),
    "a backslash": ("/a", "/a/..\\b"),
    "a twice encoded step up": ("/a", "/a/%252e%252e/b"),
    "an overlong dot": ("/a", "/a/%c0%ae%c0%ae/b"),
    "an overlong slash": ("/a", "/a/..%c0%afb"),
    "a broken encoding": ("/a", "/a/%zz"),
    "an unfinished encoding": ("/a", "/a/%2"),
    "the encoding of IIS": ("/a", "/a/%u002e%u002e/b"),
    "an empty part": ("/a", "/a//b"),
    "an empty part at the beginning": ("/", "//evil.example/a"),
    "an empty part at the end": ("/a", "/a//"),
    "an encoded NUL": ("/a", "/a/b%00.txt"),
    "an encoded line end": ("/a", "/a/b%0d%0aX: y"),
    "a space": ("/a", "/a/b c"),
    "a tab": ("/a", "/a/b\tc"),
    "a line end": ("/a", "/a/b\r\nX: y"),
    "a line end after the end": ("/a", "/a\n"),
    "letters beyond ASCII": ("/a", "/a/\u00fc"),
    "full-width dots": ("/a", "/a/\uff0e\uff0e/b"),
    "a fragment": ("/a", "/a#/b"),
    "an absolute form": ("/a", "http://evil.example/a"),
    "an authority form": ("/a", "evil.example:443"),
    "an asterisk form": ("/a", "*"),
    "nothing": ("/a", ""),
    "a query alone": ("/a", "?/a"),
}


@pytest.mark.parametrize(("prefix", "target"), ALLOWED.values(), ids=ALLOWED)
def test_a_path_below_the_prefix_is_allowed(prefix: str, target: str) -> None:
    """
    A wall that stops ordinary requests gets removed.
    """
    assert path_allowed(["/elsewhere", prefix], target)


@pytest.mark.parametrize(("prefix", "target"), DENIED.values(), ids=DENIED)
def test_a_path_that_could_leave_the_prefix_is_denied(prefix: str, target: str) -> None:
    """
    What the origin resolves, decodes or cuts off is not ours to know.
    """
    assert not path_allowed(["/elsewhere", prefix], target)


@pytest.mark.parametrize("target", ["/a", "/a/../b", "*", "http://a.example/"])
def test_without_prefixes_every_target_is_allowed(target: str) -> None:
    """
    Whether a target is well-formed is the relay's own question.
    """
    assert path_allowed([], target)


@given(st.lists(st.sampled_from(["..", ".", "%2e", "%2f", ";", "/", "a", "b", "%5c", "%25", "\\"])))
def test_no_allowed_path_leaves_its_prefix_once_decoded_and_resolved(parts: list[str]) -> None:
    """
    Three ways that origins read a path, on whatever gets through.
    """
    path = "/a/" + "".join(parts)
    if not path_allowed(["/a"], path):
        return
    twice = unquote(unquote(path)).replace("\\", "/")
    cut = "/".join(part.partition(";")[0] for part in twice.split("/"))

    for each in (path, twice, cut):
        assert f"{posixpath.normpath(each)}/".startswith("/a/")
