"""
Grants compiled by hand: a policy with a few roots, tools with one path, short ways to compile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell.v1 import execution_pb2 as pb
from toolcell_server.grant_compiler import compile_grant
from toolcell_server.limits import Limits
from toolcell_server.policy import Policy, Root
from toolcell_server.tool import Tool

if TYPE_CHECKING:
    from toolcell_server.grants import Grant

Granted = tuple[str, pb.PathAccess.ValueType]
READ, WRITE, STAGED = pb.PATH_ACCESS_READ, pb.PATH_ACCESS_WRITE, pb.PATH_ACCESS_STAGED
DATA = Root("/data", "/data")
OUT = Root("/data/out", "/data/out", writable=True)
POLICY = Policy(
    roots=(DATA, OUT, Root("/link", "/mnt/disk/real")),
    denied_paths=("/proc", "/data/secret", "/data/dir/.ssh", "/mnt/disk/real/hidden"),
)


def tool(*paths: tuple[str, str], **fields: Any) -> Tool:
    entries = tuple({"path": path, "access": access} for path, access in paths)
    return Tool(name="t", bundle="b", version="1", paths=entries, **fields)


READ_FILE = tool(("{path}", "read"))
WRITE_FILE = tool(("{path}", "write"))
STAGE_FILE = tool(("{path}", "staged"))


def compiled(
    of: Tool, arguments: dict[str, Any], *requested: Granted, policy: Policy = POLICY
) -> Grant:
    paths = [pb.PathGrant(path=path, access=access) for path, access in requested]
    return compile_grant(of, policy, arguments, pb.Grants(paths=paths), Limits())


def granted(*arguments: Any, **options: Any) -> list[Granted]:
    return [(path.path, path.access) for path in compiled(*arguments, **options).paths]
