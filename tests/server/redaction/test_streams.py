"""
Secrets in streams: wherever they stand, in whatever form, and however the stream is cut.
"""

from __future__ import annotations

import base64
import random
import time
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toolcell_server.redaction import BUILTIN, Redactor

if TYPE_CHECKING:
    from collections.abc import Iterable

SECRETS = ("s3cret-s3cret", "aaaaaaab", "abababababc", f"ghp_{'x' * 36}$tail")
REDACTOR = Redactor.of(SECRETS, BUILTIN)
PARTS = (
    *("s3cret-s3cret", "s3cret-s3", "aaaaaaab", "a", "ab", "abababababc", "ghp_", "x" * 36),
    *("x" * 20, "$tail", "Bearer ", " ", "eyJhbGciOi", "y" * 30, "\n", "AKIA", "ABCDEFGHIJKLMNOP"),
    *("-----BEGIN PRIVATE KEY-----", "MIIEv" * 8, "-----END", "czNjcmV0LXMzY3JldA=="),
)
TEXTS = st.lists(st.sampled_from(PARTS), max_size=10).map("".join)


def passed(pieces: Iterable[bytes], redactor: Redactor = REDACTOR) -> bytes:
    stream = redactor.stream()
    left = [stream.feed(piece) for piece in pieces]
    return b"".join([*left, stream.flush()])


def cut(data: bytes, seed: int) -> list[bytes]:
    random_one = random.Random(seed)
    pieces = []
    while data:
        size = random_one.randint(1, 12)
        pieces.append(data[:size])
        data = data[size:]
    return pieces


@given(TEXTS, st.integers())
@settings(max_examples=300, deadline=None)
def test_what_leaves_does_not_depend_on_how_a_stream_is_cut(text: str, seed: int) -> None:
    whole = passed([text.encode()])

    assert whole == passed(cut(text.encode(), seed))
    assert whole == passed(bytes([byte]) for byte in text.encode())


@given(TEXTS, st.integers())
@settings(max_examples=300, deadline=None)
def test_no_secret_is_left(text: str, seed: int) -> None:
    """
    Nor one that overlaps another, or stands within what looks like a token.
    """
    left = passed(cut(text.encode(), seed))

    assert [] == [secret for secret in SECRETS if secret.encode() in left]


@given(st.binary(max_size=300), st.integers())
@settings(max_examples=200, deadline=None)
def test_without_a_secret_every_byte_is_passed_on(data: bytes, seed: int) -> None:
    redactor = Redactor.of(["a secret that nobody has"])

    assert data == passed(cut(data, seed), redactor)


def test_nothing_is_held_back_that_cannot_become_a_secret() -> None:
    """
    A reader sees a line when it is written.
    """
    stream = REDACTOR.stream()

    assert b"hello\n" == stream.feed(b"hello\n")
    assert b"hello " == stream.feed(b"hello s3cret-")
    assert b"s3cret-\n" == stream.feed(b"\n")


def test_what_is_held_back_is_bounded() -> None:
    """
    By the longest form of a secret, whatever is sent.
    """
    longest = max(map(len, REDACTOR._finder._signs)) + 64
    for part in (b"a", b"ab", b"ghp_x", b"Bearer ", b"eyJhbGciOi", b"-----BEGIN "):
        stream = REDACTOR.stream()
        for _ in range(3000):
            stream.feed(part)
            assert len(stream._held) <= longest


def test_the_beginning_of_a_secret_before_the_end_goes_too() -> None:
    """
    A tool that is killed while it prints has printed most of it.
    """
    assert b"x [redacted]" == passed([b"x s3cret-s3cre"])
    assert b"x s3cr" == passed([b"x s3cr"])


def test_around_a_gap_both_halves_of_a_secret_go() -> None:
    """
    Output beyond the limit is left out, in the middle of it.
    """
    before, after = REDACTOR.stream(), REDACTOR.stream(after_gap=True)

    assert b"x [redacted]" == before.feed(b"x s3cret-s3") + before.flush()
    assert b"[redacted] y\n" == after.feed(b"et-s3cret y\n") + after.flush()


@pytest.mark.parametrize("before", ["", "u", "us", "user:"])
@pytest.mark.parametrize("after", ["", "!", "!!"])
def test_base64_is_found_wherever_the_secret_stands_in_it(before: str, after: str) -> None:
    """
    At most a few bits at both of its ends stay.
    """
    secret = "p/ss>w?rd~~12345"
    redactor = Redactor.of([secret])
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        left = redactor.text(f"Basic {encode((before + secret + after).encode()).decode()}.")
        around = left.removeprefix("Basic ").removesuffix(".")

        assert "[redacted]" in around
        kept = sum(map(len, around.split("[redacted]"))) - around.count("=")
        assert kept <= (len(before + after) * 4) // 3 + 5


def test_other_forms_are_found() -> None:
    secret = 'p/ss"w&rd é+1'
    redactor = Redactor.of([secret])
    forms = [
        quote(secret, safe=""),
        quote(secret, safe="").lower(),
        secret.encode().hex(),
        secret.encode().hex().upper(),
        'p/ss\\"w&rd \\u00e9+1',
        "p/ss&quot;w&amp;rd é+1",
    ]

    assert ["[redacted]"] * len(forms) == [redactor.text(form) for form in forms]


@pytest.mark.parametrize(
    "part", ["eyJhbGciOi", "s3cret-s3cret", "ghp_", "Bearer ", "AKIA", "-----BEGIN ", "a", "ab"]
)
def test_no_output_makes_redaction_slow(part: str) -> None:
    """
    A megabyte of what looks like secrets; measured: 0.15 s.
    """
    data = part.encode() * (2**20 // len(part))
    begun = time.process_time()
    passed([data[at : at + 65_536] for at in range(0, len(data), 65_536)])

    assert time.process_time() - begun < 10
