"""
The flags that say which server, and who calls.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from toolcell_client.cli.exits import UsageError
from toolcell_client.client import Client

if TYPE_CHECKING:
    from typing import NoReturn


class _TakesNoToken(argparse.Action):
    """
    Refuses `--token TOKEN`, and does not repeat it.  Without it argparse takes the flag for a short
    way to write `--token-file`, and the token for a name, which the error would then show.
    """

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        parser.error(
            "no flag takes a token, because the arguments of a process are everybody's to read;"
            " write it to a file of mode 600 and give --token-file FILE, or set $TOOLCELL_TOKEN"
        )


def add(common: argparse.ArgumentParser) -> None:
    """
    Add the flags.  None takes a token: the arguments of a process are everybody's to read.
    """
    common.add_argument(
        "--target", default="", help="host:port (default: $TOOLCELL_TARGET, else 127.0.0.1:50051)"
    )
    flag = common.add_argument
    flag("--token-file", default="", metavar="FILE", help="a token (else $TOOLCELL_TOKEN[_FILE])")
    flag("--token", action=_TakesNoToken, nargs="?", help=argparse.SUPPRESS)
    flag("--tls", action="store_true", help="TLS, by the usual authorities ($TOOLCELL_TLS=1)")
    flag("--ca", default="", metavar="FILE", help="authorities of the server ($TOOLCELL_CA)")
    flag("--certificate", default="", metavar="FILE", help="our own ($TOOLCELL_CERTIFICATE)")
    flag("--key", default="", metavar="FILE", help="its private key ($TOOLCELL_KEY)")


def client(options: Any) -> Client:
    """
    The client that the flags describe; it connects when it is used.

    Raises:
        UsageError: they do not go together, or a file cannot be read.
    """
    try:
        return Client(
            options.target,
            token_file=options.token_file,
            tls=options.tls or None,
            ca=options.ca,
            certificate=options.certificate,
            key=options.key,
        )
    except ValueError as exc:
        raise UsageError(str(exc)) from exc
