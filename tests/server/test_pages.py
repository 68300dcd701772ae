"""
Pages: their sizes and their tokens.
"""

from __future__ import annotations

import base64
import string
import sys

import pytest
from toolcell_server import pages
from toolcell_server.refusals import BadPageToken, InvalidField

FILTERS = {"category": "files", "tags": ["a", "b"], "state": 1}


@pytest.mark.parametrize(
    ("requested", "expected"),
    [
        pytest.param(0, 50, id="none asked for is the default"),
        pytest.param(1, 1, id="a small page is as asked"),
        pytest.param(1000, 1000, id="the largest page is as asked"),
        pytest.param(2**31 - 1, 1000, id="more than the maximum is the maximum"),
    ],
)
def test_a_page_has_a_bounded_size(requested: int, expected: int) -> None:
    """
    A caller must not be able to make the server build a list of everything.
    """
    assert expected == pages.size(requested)


def test_a_negative_page_size_is_refused_by_name() -> None:
    """
    AIP-158 demands it, and guessing would hide a bug of the caller.
    """
    with pytest.raises(InvalidField, match="page_size"):
        pages.size(-1)


def test_no_token_is_the_first_page() -> None:
    """
    The empty token is what every first request carries.
    """
    assert pages.decode("", FILTERS) == ""


@pytest.mark.parametrize("position", ["a", "read_file\n1", "Ünïcode ✓", "x" * 500])
def test_a_token_leads_back_to_its_position(position: str) -> None:
    """
    Any text is a position: names of tools and bundles are not ours to choose.
    """
    assert position == pages.decode(pages.encode(position, FILTERS), FILTERS)


def test_a_token_is_url_safe_and_does_not_show_what_it_holds() -> None:
    """
    What can be read will be parsed by somebody, and can then never change again.
    """
    token = pages.encode("read_file", FILTERS)

    assert set(token) <= set(string.ascii_letters + string.digits + "-_")
    assert "read" not in token


def test_the_order_of_filters_does_not_matter_to_a_token() -> None:
    """
    A client may send the same map in another order.
    """
    backwards = dict(reversed(FILTERS.items()))

    assert pages.decode(pages.encode("x", FILTERS), backwards) == "x"


@pytest.mark.parametrize(
    "filters",
    [
        pytest.param({**FILTERS, "category": "net"}, id="another category"),
        pytest.param({**FILTERS, "tags": ["a"]}, id="fewer tags"),
        pytest.param({}, id="no filters"),
    ],
)
def test_a_token_of_other_filters_is_refused(filters: dict[str, object]) -> None:
    """
    With other filters the position means something else, and items would be skipped silently.
    """
    with pytest.raises(BadPageToken, match="other filters"):
        pages.decode(pages.encode("x", FILTERS), filters)


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("!", id="not base64"),
        pytest.param("é", id="not ASCII"),
        pytest.param("AAAA", id="too short for a digest"),
        pytest.param("A", id="an impossible length"),
        pytest.param("A" * 5000, id="far too long"),
        pytest.param("ab+/", id="the other base64 alphabet"),
        pytest.param("A" * 64, id="the right length and wrong content"),
    ],
)
def test_a_malformed_token_is_refused_with_the_remedy(token: str) -> None:
    """
    It comes from outside: whatever it is, it must not become a traceback.
    """
    with pytest.raises(BadPageToken, match="start again without a page_token"):
        pages.decode(token, FILTERS)


def test_every_flipped_byte_of_a_token_is_noticed() -> None:
    """
    A token cut or mangled on its way must not lead to another page.
    """
    token = pages.encode("read_file", FILTERS)
    for index, letter in enumerate(token[:-1]):
        changed = "A" if letter != "A" else "B"
        with pytest.raises(BadPageToken):
            pages.decode(token[:index] + changed + token[index + 1 :], FILTERS)


def test_a_token_that_was_made_by_somebody_else_is_refused_whatever_it_holds() -> None:
    """
    Its digest needs no key; what is no text must not be a fault of ours.
    """
    plain = b"\xff\xfe"
    digest = pages._digest(plain, FILTERS)
    sealed = digest + pages._scramble(plain, digest)

    with pytest.raises(BadPageToken, match="malformed"):
        pages.decode(base64.urlsafe_b64encode(sealed).decode(), FILTERS)


def test_the_first_page_of_what_is_numbered_begins_above_all_numbers() -> None:
    assert pages.number_before("", FILTERS) > 10**18
    for number in (42, 1_900_000_000_000_000_000):  # some begin at the time, in nanoseconds
        assert number == pages.number_before(pages.encode(str(number), FILTERS), FILTERS)
    assert sys.maxsize == pages.number_before(pages.encode("9" * 20, FILTERS), FILTERS)


@pytest.mark.parametrize("position", ["read_file", "-1", "4.2", "²", "9" * 5000])
def test_a_token_that_holds_no_number_is_refused_where_one_is_expected(position: str) -> None:
    """
    Whoever knows how tokens are made can make one.
    """
    with pytest.raises(BadPageToken, match="malformed"):
        pages.number_before(pages.encode(position, FILTERS), FILTERS)
