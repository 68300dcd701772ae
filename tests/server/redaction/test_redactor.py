"""
Secrets in texts and JSON values: what is taken out, what stays as it was.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from toolcell_server.redaction import BUILTIN, Redactor, Shape, forms
from toolcell_server.redaction.shapes import expanded

SECRET = "s3cret-s3cret"
REDACTOR = Redactor.of([SECRET], BUILTIN, ["password", "API_Key"])
MARK = "[redacted]"
PEM = (
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA"
    + "x1Y/" * 40
    + "\n-----END RSA PRIVATE KEY-----"
)
LOCKED = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0123456789ABCDEF\n\n" + "q2W+" * 20
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"

SHAPED = {
    "an AWS key id": "AKIAIOSFODNN7EXAMPLE",
    "a GitHub token": "ghp_" + "a1B2" * 9,
    "a fine-grained GitHub token": "github_pat_11ABCDEFG0" + "x_" * 20,
    "a JWT": JWT,
    "a bearer token": "Bearer abcdefghij0123456789",
    "a bearer token in small letters": "bearer abcdefghij0123456789==",
    "basic credentials": "Authorization: Basic dXNlcjpwYXNzd29yZA==",
}


@pytest.mark.parametrize("text", SHAPED.values(), ids=SHAPED)
def test_what_looks_like_a_secret_is_taken_out(text: str) -> None:
    assert f"so {MARK}, and" == REDACTOR.text(f"so {text}, and")


@pytest.mark.parametrize("text", [PEM, PEM.replace("\n", "\\n"), PEM.replace("RSA ", "")])
def test_a_private_key_is_taken_out(text: str) -> None:
    """
    Its end mark may stay; it tells nothing.
    """
    left = REDACTOR.text(f"key: {text}.")

    assert left.startswith(f"key: {MARK}")
    assert "x1Y/" not in left
    assert "MIIE" not in left


def test_a_private_key_behind_a_passphrase_is_taken_out() -> None:
    assert "q2W+" not in REDACTOR.text(LOCKED)


@pytest.mark.parametrize(
    "text",
    [
        "the bearer of this letter",
        "Bearer of good news",
        "AKIA is a prefix",
        "ghp_short",
        "eyJoZWxsbyI6MX0",  # base64 of some JSON: a page token
        "-----BEGIN CERTIFICATE-----\nMIIB",
        "Basic internationalization",
        "password=hunter2",  # a key in plain text is not looked for
        "",
    ],
)
def test_what_only_reminds_of_one_stays(text: str) -> None:
    assert text is REDACTOR.text(text)


def test_json_keeps_its_shape() -> None:
    """
    At any depth, under any spelling of a key, in keys, and in numbers.
    """
    redactor = Redactor.of([SECRET, "12345678"], (), ["password", "API_Key"])
    value = {
        "PassWord": {"deep": [1, 2]},
        "list": [{"api_key": "x", "fine": True}, f"with {SECRET} in it"],
        f"key {SECRET}": None,
        "number": 12345678,
        "other": 1.5,
    }

    assert {
        "PassWord": MARK,
        "list": [{"api_key": MARK, "fine": True}, f"with {MARK} in it"],
        f"key {MARK}": None,
        "number": MARK,
        "other": 1.5,
    } == redactor.json(value)


UNTOUCHED: tuple[bytes, ...] = (
    b'{ "a" : 1.10, "b":[1e3] }',
    b'"plain"',
    b'{"a":"\\u0041\\n"}',
    '"ünïcode"'.encode(),
    b"null",
    b"",
)


@pytest.mark.parametrize("data", UNTOUCHED)
def test_json_without_a_secret_is_not_written_anew(data: bytes) -> None:
    """
    Byte by byte as the tool wrote it, numbers and blanks too.
    """
    assert data is REDACTOR.json_bytes(data)


@pytest.mark.parametrize(
    "written", ["s3cret-s3cret", "s3cret\\u002ds3cret", "\\u0073\\u0033cret-s3cret"]
)
def test_escapes_of_json_hide_nothing(written: str) -> None:
    """
    A hostile tool writes its JSON as it likes.
    """
    assert {"a": MARK} == json.loads(REDACTOR.json_bytes(f'{{"a": "{written}"}}'.encode()))
    key = written.replace("s3cret-s3cret", "password").replace("s3cret", "x")
    assert "password" not in key or MARK.encode() in REDACTOR.json_bytes(f'{{"{key}": 1}}'.encode())


def test_an_escaped_key_is_a_key() -> None:
    assert b'{"password":"[redacted]"}' == REDACTOR.json_bytes(b'{"p\\u0061ssword": "x"}')


def test_a_key_that_is_there_twice_hides_nothing() -> None:
    """
    Whoever reads it may take the first, as we would take the last.
    """
    data = f'{{"a": "{SECRET}", "a": 1}}'.encode()

    assert b'"[redacted]"' == REDACTOR.json_bytes(data)
    assert b'"[redacted]"' == REDACTOR.json_bytes(data.replace(b"-", b"\\u002d"))


def test_what_is_no_json_and_may_hold_a_secret_is_withheld_whole() -> None:
    assert b'"[redacted]"' == REDACTOR.json_bytes(f"no json {SECRET}".encode())


def test_without_anything_to_redact_there_is_no_redactor() -> None:
    """
    And a tool's own keys make one.
    """
    nothing = Redactor.of()

    assert not nothing
    assert "x" == nothing.text("x")
    assert b'{"token":"[redacted]"}' == nothing.with_keys(["token"]).json_bytes(b'{"token":1}')


def test_a_secret_is_in_no_repr_and_no_error() -> None:
    with pytest.raises(ValueError, match="of 5 bytes") as refused:
        Redactor.of(["short"])

    assert "short" not in str(refused.value)
    assert SECRET not in repr(REDACTOR)
    assert SECRET not in repr(REDACTOR.stream())


def test_no_form_is_short_enough_to_be_found_by_chance() -> None:
    assert min(map(len, forms.forms("8 bytes!"))) >= forms.MINIMUM


WRONG: dict[str, tuple[Any, ...]] = {
    "a prefix that is everywhere": ("a", "A-Z", 5),
    "a prefix of other letters": ("ключ", "A-Z", 5),
    "no characters": ("acme_", "", 5),
    "a range across kinds": ("acme_", "A-z", 5),
    "a range backwards": ("acme_", "Z-A", 5),
    "characters that are not ASCII": ("acme_", "é", 5),
    "a run of nothing": ("acme_", "A-Z", 0),
    "a run that is too long to wait for": ("acme_", "A-Z", 257),
}


@pytest.mark.parametrize("written", WRONG.values(), ids=WRONG)
def test_a_pattern_that_cannot_be_used_is_refused(written: tuple[Any, ...]) -> None:
    with pytest.raises(ValueError, match=r"prefix|characters|minimum"):
        Shape.parse("mine", *written)


def test_characters_are_written_as_in_a_class() -> None:
    assert b"-0123ABC_" == expanded("A-C0-3_-")
