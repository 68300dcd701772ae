"""
`toolcell token`: makes tokens for `[[auth.tokens]]`, and hashes them.  Needs no server.

A token is never an argument: the arguments of a process are everybody's to read.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import sys
from pathlib import Path
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
    new.add_argument(
        "--file",
        default="",
        metavar="FILE",
        help="write it there, for --token-file; do not show it",
    )
    hashed = actions.add_parser("hash", parents=[common], help="read one on stdin, print its hash")
    hashed.set_defaults(alone=hash_given)


def make(options: Any) -> Exit:
    """
    Print a new token and its hash; or write it to a file, and print the hash.

    Raises:
        UsageError: the file is there, or cannot be made.
    """
    token = tokens.PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
    if options.file:
        _write(Path(options.file), token)
    if for_people(options):
        told = f"It is in {options.file}" if options.file else f"{token}\n\nIt is not kept anywhere"
        sys.stdout.write(
            f"{told}.  For the settings of the server:\n\n"
            f'[[auth.tokens]]\nname = "{options.name}"\nsha256 = "{_hash(token)}"\n'
        )
    else:
        where = {"file": options.file} if options.file else {"token": token}
        print_json({**where, "sha256": _hash(token)})
    return Exit.OK


def _write(file: Path, token: str) -> None:
    """
    Into a new file that nobody else can read: one that is there may be open to others already.
    """
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        what = f"the token file {file} cannot be made: {exc.strerror}"
        raise UsageError(f"{what}; name one that is not there, in a folder of yours") from exc
    with os.fdopen(descriptor, "w") as opened:
        opened.write(f"{token}\n")


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
