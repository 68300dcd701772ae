"""
`toolcell token`: makes tokens for `[[auth.tokens]]`, and hashes them.  Needs no server.

A token is never an argument: the arguments of a process are everybody's to read.
"""

from __future__ import annotations

import hashlib
import secrets
import sys
from typing import TYPE_CHECKING, Any, Final

from toolcell_client import tokens
from toolcell_client.cli.exits import Exit, UsageError
from toolcell_client.cli.listing import for_people, print_json

if TYPE_CHECKING:
    import argparse

RANDOM_BYTES: Final = 32
MINIMUM_CHARACTERS: Final = 20


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """
    Add the commands and their flags.
    """
    parser = commands.add_parser("token", help="make a token, or hash one")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    new = actions.add_parser("new", parents=[common], help="make one; it is shown this once")
    new.set_defaults(alone=make)
    new.add_argument("--name", default="NAME", help="the principal, for what is printed to paste")
    hashed = actions.add_parser("hash", parents=[common], help="read one on stdin, print its hash")
    hashed.set_defaults(alone=hash_given)


def make(options: Any) -> Exit:
    """
    Print a new token and its hash.
    """
    token = tokens.PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
    if for_people(options):
        sys.stdout.write(
            f"{token}\n\nIt is not kept anywhere.  For the settings of the server:\n\n"
            f'[[auth.tokens]]\nname = "{options.name}"\nsha256 = "{_hash(token)}"\n'
        )
    else:
        print_json({"token": token, "sha256": _hash(token)})
    return Exit.OK


def hash_given(options: Any) -> Exit:
    """
    Raises:
        UsageError: what stands on stdin is no token.
    """
    text = sys.stdin.buffer.read(tokens.MAXIMUM_CHARACTERS + 2).decode("ascii", "replace")
    try:
        token = tokens.checked(text.strip(), "what was read from stdin")
    except ValueError as exc:
        raise UsageError(str(exc)) from exc
    if len(token) < MINIMUM_CHARACTERS:
        raise UsageError(
            f"a token of fewer than {MINIMUM_CHARACTERS} characters can be guessed;"
            " make one with: toolcell token new"
        )
    if for_people(options):
        sys.stdout.write(f"{_hash(token)}\n")
    else:
        print_json({"sha256": _hash(token)})
    return Exit.OK


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
