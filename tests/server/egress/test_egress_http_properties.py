"""
Bytes that nobody thought of: the gate never raises, and sends one message for each allowed request.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzz.http_target import SEPARATOR, one_input
from hypothesis import given, settings
from hypothesis import strategies as st

CORPUS = Path(__file__).parents[2] / "fuzz/corpus/http"
STEADY = settings(deadline=None, derandomize=True, database=None, max_examples=300)

# Words of the protocol, whole and broken, in any order.
WORDS = st.sampled_from(
    [
        *(b"GET ", b"POST ", b"HEAD ", b"OPTIONS ", b"CONNECT ", b"PRI "),
        *(b"/ ", b"/secret ", b"* ", b"http://a.example/ ", b"http://b.example "),
        *(b"HTTP/1.1\r\n", b"HTTP/1.0\r\n", b"HTTP/2.0\r\n", b"\r\n", b"\n", b"\r", b"\0"),
        *(b"Host: a.example\r\n", b"Host: b.example\r\n", b"Host:", b" ", b"\t", b":", b";", b","),
        *(b"Content-Length: 5\r\n", b"Content-Length: 0\r\n", b"Content-Length: ", b"5", b"hello"),
        *(b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: ", b"chunked", b"gzip"),
        *(b"5\r\nhello\r\n", b"0\r\n\r\n", b"0\r\n", b"5;a\r\nhello\r\n", b"5 \r\n", b"0x5\r\n"),
        *(b"Connection: close\r\n", b"Connection: x-key\r\n", b"Upgrade: h2c\r\n", b"X-Key: a\r\n"),
        *(b"Expect: 100-continue\r\n", b"\x80", b"\xff", b"GET /secret HTTP/1.1\r\n"),
        *(b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 \r\n", b"HTTP/1.1 304\r\n", b"HTTP/1.0 200\r\n"),
        *(b"HTTP/1.1 101 \r\n", b"HTTP/1.1 204 \r\n", SEPARATOR, SEPARATOR + SEPARATOR),
    ]
)
WHOLE = st.sampled_from(
    [
        b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
        b"HEAD /b HTTP/1.1\r\nHost: a.example\r\n\r\n",
        b"GET /secret HTTP/1.1\r\nHost: a.example\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n",
    ]
)
NOISE = st.binary(max_size=8)


@STEADY
@given(st.lists(st.one_of(WORDS, WHOLE, NOISE), max_size=40).map(b"".join))
def test_words_of_the_protocol_in_any_order_break_no_promise(data: bytes) -> None:
    """
    Smuggling is made of right words in wrong places.
    """
    one_input(data)


TURNS = st.lists(st.tuples(WHOLE, st.one_of(st.just(b""), NOISE, WORDS)), max_size=8)


@STEADY
@given(TURNS.map(lambda turns: SEPARATOR.join(first + then for first, then in turns)))
def test_whole_messages_in_any_order_break_no_promise(data: bytes) -> None:
    """
    Deep states are reached by right messages; what follows them may be wrong.
    """
    one_input(data)


@STEADY
@given(st.binary(max_size=200))
def test_noise_breaks_no_promise(data: bytes) -> None:
    """
    A port takes whatever is thrown at it.
    """
    one_input(data)


@pytest.mark.parametrize("path", sorted(CORPUS.iterdir()), ids=lambda path: path.name)
def test_an_input_of_the_corpus_breaks_no_promise(path: Path) -> None:
    """
    What fuzzing starts from, and what it found.
    """
    one_input(path.read_bytes())


def test_the_corpus_is_small() -> None:
    """
    It is replayed with every run of the tests.
    """
    sizes = [path.stat().st_size for path in CORPUS.iterdir()]

    assert 20 <= len(sizes) <= 100
    assert max(sizes) <= 2**13
