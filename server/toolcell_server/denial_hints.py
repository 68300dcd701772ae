"""
What a model can do about what was refused to a call that failed.  Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolcell.v1 import execution_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Sequence


def hint(observed: Sequence[pb.Denied], *, network: bool) -> str:
    """
    One sentence about the denial that explains an error best: the egress's last, else the filter's
    last; empty if none does.  Where there is a `network` a refused socket explains none: whoever
    looks up a name tries several (of nscd, of netlink), and does without.
    """
    of_egress = [each for each in observed if each.wall == pb.WALL_NETWORK]
    others = [each for each in observed if not (network and each.operation == "socket")]
    telling = of_egress or others
    return _about(telling[-1]) if telling else ""


def _about(denied: pb.Denied) -> str:
    if denied.reason == "no_network":
        return "This tool has no network: do without it, or use a tool that has one."
    target = denied.target[:200]
    if denied.reason == "no_address":
        return f"{target} has no address: check the name of the host."
    if denied.wall == pb.WALL_NETWORK:
        return (
            f"The way to {target} was refused ({denied.reason}), and will be again: do without it,"
            " or reach what this tool may."
        )
    what = f"{denied.operation} ({target})" if target else denied.operation
    return f"The tool was refused {what}, which it may never do: do without it, or use another."
