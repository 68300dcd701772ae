"""
The flags that say which server, and who calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_client.cli.exits import UsageError
from toolcell_client.client import Client

if TYPE_CHECKING:
    import argparse


def add(common: argparse.ArgumentParser) -> None:
    """
    Add the flags.  None takes a token: the arguments of a process are everybody's to read.
    """
    common.add_argument(
        "--target", default="", help="host:port (default: $TOOLCELL_TARGET, else 127.0.0.1:50051)"
    )
    flag = common.add_argument
    flag("--token-file", default="", metavar="FILE", help="a token (else $TOOLCELL_TOKEN[_FILE])")
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
