"""
Signed tokens: the good ones, and every way that is known to forge one (RFC 8725).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from issuing import AUDIENCE, ISSUER, Key, key_set
from toolcell_server.authentication.failure import Kind, NotAuthentic
from toolcell_server.authentication.jwts import REMEMBERED, Jwts
from toolcell_server.authentication.key_set import KeySet
from toolcell_server.authentication.tokens import digest_of
from toolcell_server.authentication.verified import as_is
from toolcell_server.settings import JwtSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_server.authentication.verified import Verified
    from toolcell_server.principal import Principal

RSA, EC, OKP = Key("rsa", "RS256"), Key("ec", "ES256"), Key("okp", "EdDSA")
OURS = key_set(RSA, EC, OKP)
THIEF = Key("ec", "ES256")  # the same kid


class KnownKeys:
    """
    A key set that a test replaces.
    """

    def __init__(self, data: bytes = OURS) -> None:
        self.set = KeySet.parse(data)
        self.asked: list[str | None] = []

    def generation(self) -> object:
        return self.set

    async def find(self, kid: str | None, algorithm: str) -> Any:
        self.asked.append(kid)
        return self.set.find(kid, algorithm)


def verifier(
    keys: Any = None,
    clock: Callable[[], float] = time.time,
    **changes: Any,
) -> Jwts:
    given = {"issuer": ISSUER, "audience": (AUDIENCE,), "jwks_url": "https://a/", **changes}
    return Jwts(JwtSettings(**given), keys or KnownKeys(), as_is, clock)


def principal(token: str, jwts: Jwts | None = None) -> Principal:
    try:
        (jwts or verifier()).verify(token, digest_of(token)).send(None)
    except StopIteration as done:
        verified: Verified = done.value
        return verified.principal
    raise AssertionError("it waited, and nothing here makes it wait")


def refusal(token: str, jwts: Jwts | None = None) -> Kind:
    with pytest.raises(NotAuthentic) as refused:
        principal(token, jwts)
    return refused.value.kind


def encoded(part: Any) -> str:
    data = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    return {"iss": ISSUER, "aud": AUDIENCE, "iat": now, "exp": now + 60, "sub": "alice", **changes}


def hmac_signed(secret: bytes, header: dict[str, Any]) -> str:
    """
    A token signed by hand, because libraries refuse to take a public key for a secret.
    """
    signed = f"{encoded(header)}.{encoded(claims())}"
    signature = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{encoded(signature)}"


def public_pem(key: Key) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    pem: bytes = key.private.public_key().public_bytes(serialization.Encoding.PEM, form)
    return pem


@pytest.mark.parametrize("key", [RSA, EC, OKP], ids=lambda key: key.algorithm)
def test_a_token_of_the_issuer_is_taken(key: Key) -> None:
    """
    The positive control of all that is refused below.
    """
    assert principal(key.token()).name == "alice"


FORGED = {
    "alg none": (f"{encoded({'alg': 'none', 'kid': 'rsa'})}.{encoded(claims())}.", Kind.ALGORITHM),
    "alg None, spelled otherwise": (
        f"{encoded({'alg': 'nOnE', 'kid': 'rsa'})}.{encoded(claims())}.",
        Kind.ALGORITHM,
    ),
    "HS256 with the public key as the secret": (
        hmac_signed(public_pem(RSA), {"alg": "HS256", "kid": "rsa", "typ": "JWT"}),
        Kind.ALGORITHM,
    ),
    "an algorithm that is a list": (
        f"{encoded({'alg': ['RS256'], 'kid': 'rsa'})}.{encoded(claims())}.{encoded(b'x')}",
        Kind.ALGORITHM,
    ),
    "an algorithm that is not listed": (
        jwt.encode(claims(), RSA.private, "RS512", headers={"kid": "rsa"}),
        Kind.ALGORITHM,
    ),
    "the kid of a key of another kind": (
        jwt.encode(claims(), EC.private, "ES256", headers={"kid": "rsa"}),
        Kind.UNKNOWN_KEY,
    ),
    "another key of the same kid": (THIEF.token(), Kind.SIGNATURE),
    "a kid that is a path": (EC.token({"kid": "../../../dev/null"}), Kind.UNKNOWN_KEY),
    "a kid that is a query": (EC.token({"kid": "' OR 1=1 --"}), Kind.UNKNOWN_KEY),
    "a kid that is long": (EC.token({"kid": "x" * 3000}), Kind.UNKNOWN_KEY),
    "a key that the token brings": (
        THIEF.token({"jwk": THIEF.public, "jku": "http://127.0.0.1:1/", "x5u": "file:///x"}),
        Kind.SIGNATURE,
    ),
    "no kid, where there is a choice": (
        jwt.encode(claims(), Key("x", "ES256").private, "ES256"),
        Kind.SIGNATURE,
    ),
    "an extension that we must understand": (EC.token({"crit": ["b64"]}), Kind.MALFORMED),
    "claims of another token": (
        ".".join([EC.token().split(".")[0], encoded(claims(sub="root")), EC.token().split(".")[2]]),
        Kind.SIGNATURE,
    ),
    "no signature": (EC.token().rpartition(".")[0] + ".", Kind.SIGNATURE),
    "no JSON": ("a.b.c", Kind.MALFORMED),
    "a header nested without end": (
        f"{encoded(b'[' * 4000)}.{encoded(b'{}')}.{encoded(b'x')}",
        Kind.MALFORMED,
    ),
    "claims nested without end": (
        f"{encoded({'alg': 'ES256', 'kid': 'ec'})}.{encoded(b'[' * 4000)}.{encoded(b'x')}",
        Kind.SIGNATURE,
    ),
}


@pytest.mark.parametrize("name", FORGED)
def test_forged(name: str) -> None:
    """
    Each of these has let strangers into somebody's service.
    """
    token, kind = FORGED[name]

    assert kind == refusal(token)


PAST, FUTURE = int(time.time()) - 3600, int(time.time()) + 3600
BAD_CLAIMS: dict[str, tuple[dict[str, Any], Kind]] = {
    "expired": ({"exp": PAST}, Kind.EXPIRED),
    "not valid yet": ({"nbf": FUTURE}, Kind.NOT_YET_VALID),
    "issued in the future": ({"iat": FUTURE, "exp": FUTURE + 60}, Kind.NOT_YET_VALID),
    "for somebody else": ({"aud": "other"}, Kind.AUDIENCE),
    "for several, none of them us": ({"aud": ["a", "b"]}, Kind.AUDIENCE),
    "of another issuer": ({"iss": f"{ISSUER}.evil.example"}, Kind.ISSUER),
    "without an end": ({"exp": None}, Kind.CLAIMS),
    "without a beginning": ({"iat": None}, Kind.CLAIMS),
    "for nobody": ({"aud": None}, Kind.CLAIMS),
    "of nobody": ({"iss": None}, Kind.CLAIMS),
    "without a name": ({"sub": None}, Kind.CLAIMS),
    "with an empty name": ({"sub": ""}, Kind.CLAIMS),
    "with a name of two lines": ({"sub": "alice\nbob"}, Kind.CLAIMS),
    "with a name without end": ({"sub": "a" * 257}, Kind.CLAIMS),
    "with a scope that is a number": ({"scope": 7}, Kind.CLAIMS),
    "with scopes without end": ({"scope": "a " * 300}, Kind.CLAIMS),
}


@pytest.mark.parametrize("name", BAD_CLAIMS)
def test_authentic_but_not_for_us_or_not_now(name: str) -> None:
    """
    What another service of the same issuer was given must not work here.
    """
    changes, kind = BAD_CLAIMS[name]

    assert kind == refusal(EC.token(**changes))


def test_expired_is_not_said_of_what_is_not_authentic() -> None:
    """
    A forger must not learn that all but the signature is right.
    """
    assert Kind.SIGNATURE == refusal(THIEF.token(exp=PAST))


def test_claims_become_a_principal() -> None:
    """
    Roles, scopes and session come from where the operator says.
    """
    jwts = verifier(
        roles_claim="realm_access.roles", session_claim="sid", name_prefix="idp:", name_claim="mail"
    )
    token = EC.token(
        mail="a@example.org",
        scope="read write",
        sid="s-1",
        realm_access={"roles": ["admin"]},
        aud=["other", AUDIENCE],
    )
    found = principal(token, jwts)

    assert ("idp:a@example.org", "s-1") == (found.name, found.session)
    assert (frozenset({"admin"}), frozenset({"read", "write"})) == (found.roles, found.scopes)


def test_what_was_verified_is_remembered_until_it_expires() -> None:
    """
    A signature costs more than a call may; a token that has ended must end here, too.
    """
    keys, now = KnownKeys(), time.time()
    jwts = verifier(keys, clock=lambda: now, leeway_seconds=5)
    token = EC.token(exp=int(now) + 60)
    principal(token, jwts)
    principal(token, jwts)

    assert ["ec"] == keys.asked
    now += 66
    assert Kind.EXPIRED == refusal(token, jwts)


def test_when_a_key_goes_what_it_signed_goes() -> None:
    """
    A key is taken back because it leaked.
    """
    keys = KnownKeys()
    jwts, token = verifier(keys), EC.token()
    principal(token, jwts)
    keys.set = KeySet.parse(key_set(RSA))

    assert Kind.UNKNOWN_KEY == refusal(token, jwts)


def test_memory_is_bounded() -> None:
    """
    One who is let in must not fill the memory with tokens of his.
    """
    jwts = verifier()
    for number in range(REMEMBERED + 10):
        jwts._remember(str(number).encode(), None)  # type: ignore[arg-type]

    assert REMEMBERED == len(jwts._remembered)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_whatever_is_sent_nobody_is_let_in_and_nothing_breaks(data: st.DataObject) -> None:
    """
    A token is read before it is known who sent it: parts are replaced, by JSON and by anything.
    """
    parts = GOOD.split(".")
    values: Any = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8)
    values |= st.lists(values, max_size=2)
    objects = st.dictionaries(NAMES, values, max_size=6).map(encoded)
    anything = objects | st.binary(max_size=40).map(encoded) | st.text("AZaz09-_", max_size=20)
    index = data.draw(st.integers(0, 2))
    parts[index] = data.draw(anything)
    token = ".".join(parts)
    assume(token != GOOD)

    assert refusal(token) in Kind


NAMES = st.sampled_from(["alg", "kid", "typ", "crit", "b64", "exp", "aud", "sub", "jwk", "x"])
GOOD = EC.token()
