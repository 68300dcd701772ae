"""
Key sets: which keys are usable, and for what.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from issuing import Key, key_set
from jwt.algorithms import RSAAlgorithm
from toolcell_server.authentication.key_set import KeySet

EC = Key("ec", "ES256").public
SHORT = RSAAlgorithm.to_jwk(
    rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key(), as_dict=True
)


def of(*entries: Any) -> bytes:
    return json.dumps({"keys": entries}).encode()


def test_a_key_serves_the_algorithms_of_its_kind_only() -> None:
    """
    The algorithm is the token's word; what fits it is ours.
    """
    keys = KeySet.parse(key_set(Key("a", "RS256"), Key("b", "ES256"), Key("c", "EdDSA")))
    found = {
        (kid, algorithm)
        for kid in "abc"
        for algorithm in ("RS256", "PS512", "ES256", "ES384", "EdDSA", "HS256", "none")
        if keys.find(kid, algorithm) is not None
    }

    assert {("a", "RS256"), ("a", "PS512"), ("b", "ES256"), ("c", "EdDSA")} == found


def test_without_a_kid_one_fitting_key_is_taken_and_of_two_none() -> None:
    """
    To try all keys would let a flood cost us each of them.
    """
    one = KeySet.parse(key_set(Key("a", "RS256"), Key("b", "ES256")))
    two = KeySet.parse(key_set(Key("a", "ES256"), Key("b", "ES256")))

    assert one.find(None, "ES256") is not None
    assert two.find(None, "ES256") is None


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param({**EC, "use": "enc"}, id="for encryption"),
        pytest.param({**EC, "key_ops": ["sign"]}, id="not for verifying"),
        pytest.param({**EC, "alg": "ES512"}, id="of another algorithm"),
        pytest.param({**EC, "x": "AAAA"}, id="not on the curve"),
        pytest.param({**EC, "kid": 7}, id="a kid that is a number"),
        pytest.param({"kty": "oct", "k": "c2VjcmV0", "kid": "a"}, id="a secret"),
        pytest.param({**SHORT, "kid": "a"}, id="1024 bits"),
        pytest.param({"kty": ["RSA"]}, id="a kind that is a list"),
        pytest.param("text", id="no object"),
    ],
)
def test_what_cannot_be_used_is_left_out(entry: Any) -> None:
    """
    One entry that we do not understand must not make the others useless (RFC 7517 §5).
    """
    assert ["ec"] == [key.kid for key in KeySet.parse(of(entry, EC)).keys]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"<html>", id="a page"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'{"keys": {}}', id="no list"),
        pytest.param(of(), id="no key"),
        pytest.param(of(*[EC] * 101), id="too many"),
        pytest.param(b"[" * 100_000, id="nested without end"),
    ],
)
def test_what_is_no_key_set_is_refused(data: bytes) -> None:
    """
    An empty set in place of a good one would lock everybody out.
    """
    with pytest.raises(ValueError, match=r"[a-z]"):
        KeySet.parse(data)
