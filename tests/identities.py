"""
Principals with static tokens, and the settings that list them.
"""

from __future__ import annotations

import hashlib

ALICE = "tc_alice-0123456789abcdefghijklmnopqrstuvwxyz"
BOB = "tc_bob-0123456789abcdefghijklmnopqrstuvwxyz"
CALLS = 'scopes = ["tools:*"]'
OPERATOR = "tc_operator-0123456789abcdefghijklmnopqrst"


def token(name: str, secret: str, more: str = "") -> str:
    digest = hashlib.sha256(secret.encode()).hexdigest()
    return f'[[auth.tokens]]\nname = "{name}"\nsha256 = "{digest}"\n{more}\n'


TOKENS = (
    token("alice", ALICE, CALLS)
    + token("bob", BOB, CALLS)
    + token("operator", OPERATOR, 'scopes = ["tools:*", "toolcell:executions"]')
)
