"""
`toolcell approvals`: calls that wait for a yes.
"""

from __future__ import annotations

import base64
import getpass
import hashlib
import itertools
import secrets
import sys
from typing import TYPE_CHECKING, Any

from toolcell.v1 import approval_pb2 as pb

from toolcell_client.cli.exits import Exit, UsageError
from toolcell_client.cli.listing import for_people, print_json, print_table, print_text
from toolcell_client.plain import short_name, to_plain

if TYPE_CHECKING:
    import argparse

    from toolcell_client.client import Client

HEADINGS = ("APPROVAL", "KIND", "STATE", "TOOL", "PRINCIPAL", "EXPIRES")
SHORTEST_PIN = 4
PIN_COST = 13  # as the server's approvals/pins.py, which checks what is made here


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """
    Add the command, its subcommands and their flags.
    """
    parser = commands.add_parser("approvals", help="list and decide calls that wait for a yes")
    inner = parser.add_subparsers(required=True, metavar="list|show|approve|deny|hash-pin")
    listing = inner.add_parser("list", parents=[common], help="list approvals, newest first")
    listing.set_defaults(run=run_list)
    listing.add_argument("-a", "--all", action="store_true", help="also those that are over")
    listing.add_argument("--tool", default="", help="only of this tool")
    listing.add_argument("--most", type=int, default=50, metavar="COUNT", help="default: 50")
    showing = inner.add_parser("show", parents=[common], help="show what a call would do")
    showing.set_defaults(run=run_show)
    showing.add_argument("approval_id", metavar="ID")
    for word, said in (("approve", "let a call run"), ("deny", "say no, or withdraw your own")):
        deciding = inner.add_parser(word, parents=[common], help=said)
        deciding.set_defaults(run=run_decide, approve=word == "approve")
        deciding.add_argument("approval_id", metavar="ID")
        deciding.add_argument("--reason", default="", help="told to the caller")
    hashing = inner.add_parser("hash-pin", parents=[common], help="hash a PIN for the settings")
    hashing.set_defaults(run=run_hash_pin)


def run_list(client: Client, options: Any) -> Exit:
    """
    Raises:
        ToolcellError: the server refuses or does not answer.
    """
    state = "" if options.all else "pending"
    listed = client.approvals.list(state=state, tool=options.tool)
    found = list(itertools.islice(listed, max(0, options.most)))
    if for_people(options):
        print_table(HEADINGS, [_row(approval) for approval in found])
    else:
        print_json([to_plain(approval) for approval in found])
    return Exit.OK


def run_show(client: Client, options: Any) -> Exit:
    """
    Raises:
        ToolcellError: the approval is not known, or the server does not answer.
    """
    approval = client.approvals.get(options.approval_id)
    if for_people(options):
        print_text(_described(approval))
    else:
        print_json(to_plain(approval))
    return Exit.OK


def run_decide(client: Client, options: Any) -> Exit:
    """
    Raises:
        ToolcellError: it may not be decided, or the server does not answer.
    """
    decide = client.approvals.approve if options.approve else client.approvals.deny
    approval = decide(options.approval_id, options.reason)
    if for_people(options):
        state = short_name(pb.ApprovalState, approval.state)
        print_text(f"{approval.approval_id}  {approval.tool}  {state}")
    else:
        print_json(to_plain(approval))
    return Exit.OK


def run_hash_pin(_client: Client, _options: Any) -> Exit:
    """
    Raises:
        UsageError: it is too short, or was typed differently the second time.
    """
    if sys.stdin.isatty():
        pin = getpass.getpass("PIN: ")
        if pin != getpass.getpass("again: "):
            raise UsageError("the two PINs differ")
    else:
        pin = sys.stdin.readline().rstrip("\n")
    if len(pin) < SHORTEST_PIN:
        raise UsageError(f"a PIN has at least {SHORTEST_PIN} characters")
    print_text(hashed(pin))
    return Exit.OK


def hashed(pin: str) -> str:
    """
    `scrypt$COST$SALT$HASH` (RFC 7914), as `[[approval.pins]]` takes it.
    """
    salt = secrets.token_bytes(16)
    memory = 64 * 2**20
    digest = hashlib.scrypt(
        pin.encode(), salt=salt, n=2**PIN_COST, r=8, p=1, maxmem=memory, dklen=32
    )
    return f"scrypt${PIN_COST}${_text(salt)}${_text(digest)}"


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _row(approval: pb.Approval) -> tuple[str, ...]:
    return (
        approval.approval_id,
        short_name(pb.ApprovalKind, approval.kind),
        short_name(pb.ApprovalState, approval.state),
        approval.tool,
        approval.principal,
        approval.expires_time.ToJsonString(),
    )


def _described(approval: pb.Approval) -> str:
    kind = short_name(pb.ApprovalKind, approval.kind)
    state = short_name(pb.ApprovalState, approval.state)
    lines = [f"{approval.approval_id}  ({kind}, {state})", "", approval.summary, ""]
    if approval.preview:
        lines += ["what would change:", approval.preview, ""]
    lines.append(f"arguments digest: {approval.arguments_digest}")
    lines.append(f"expires: {approval.expires_time.ToJsonString()}")
    if approval.decided_by or approval.reason:
        lines.append(f"decided by: {approval.decided_by}  {approval.reason}".rstrip())
    if approval.execution_id:
        lines.append(f"execution: {approval.execution_id}")
    return "\n".join(lines)
