"""
What one execution may reach: manifest ∩ policy ∩ arguments ∩ request, compiled before the run.
Pure: texts and numbers in, a frozen value out.

Theory of operation.  The manifest's templates are filled with *this call's* arguments.  If the
request names paths of its own, those replace the tool's, each inside one of them and with no wider
access.  Then policy speaks, deny first: switches, denied paths, roots.  Nothing here follows a
link or looks whether a path exists; that is the keeper's part, which opens each path beneath its
root without following any link, so that text and file agree.  For the same reason a denied path
is compared twice: as it is named, and as it really lies behind a root that was a link.

A granted directory that contains a denied path is refused, not granted with a hole in it: a hole
would depend on the mount namespace alone, and would vanish where Landlock is the only wall.

Where policy only reports what allowlists deny, it reports what those of tools do.  A call that
narrows its domains itself has an allowlist of its caller's, which nobody is trying out: enforced.
So is that of a tool that only reads (`effects.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from toolcell.v1 import execution_pb2 as pb

from toolcell_server import domain_grants, effects
from toolcell_server.carried import CODE
from toolcell_server.grants import Grant, PathGrant
from toolcell_server.path_templates import PathTemplate
from toolcell_server.paths import NotNormalised, lies_below, lies_in, normalised, rebased
from toolcell_server.refusals import (
    ArgumentsInvalid,
    GrantTooWide,
    InvalidField,
    PathNotAllowed,
    SwitchedOff,
)
from toolcell_server.refusals.base import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from toolcell_server.limits import Limits
    from toolcell_server.policy import Policy
    from toolcell_server.registry import Tool

MAXIMUM_PATHS: Final = 48  # arbitrary; one message carries 64 descriptors, and four are taken
# Staged is narrower than write: nothing outside the cell changes before the server puts it there.
_WIDTHS: Final = {pb.PATH_ACCESS_READ: 1, pb.PATH_ACCESS_STAGED: 2, pb.PATH_ACCESS_WRITE: 3}


@dataclass(frozen=True, slots=True)
class _Wanted:
    """
    A path before policy has spoken.
    """

    path: str
    access: pb.PathAccess.ValueType
    optional: bool


def compile_grant(
    tool: Tool,
    policy: Policy,
    arguments: Mapping[str, Any],
    requested: pb.Grants,
    limits: Limits,
) -> Grant:
    """
    The grant of one call, its paths sorted so that a directory comes before what lies in it.

    Raises:
        ArgumentsInvalid: an argument that names a path is malformed.
        GrantTooWide: the request names more than the tool would get.
        InvalidField: the request names a malformed path or an unknown access.
        PathNotAllowed: policy does not allow a path.
        SwitchedOff: the operator switched off what the tool needs.
        DomainNotAllowed: policy does not allow a domain.
    """
    check_switches(tool, policy)
    wanted = list(_of_tool(tool, arguments))
    if requested.paths:
        wanted = [_narrowed(index, path, wanted) for index, path in enumerate(requested.paths)]
    merged = _merged(wanted)
    _check_staged(merged)
    paths = (*(_allowed(path, policy) for path in merged), *_code(tool))
    if len(paths) > MAXIMUM_PATHS:
        raise InvalidField("arguments_json", f"names more than {MAXIMUM_PATHS} paths; name fewer")
    domains = domain_grants.compile_domains(tool, policy, arguments, requested.domains)
    effects.check_grant(tool, policy, paths, domains)
    allowlist_is_tools = bool(domains) and not requested.domains
    return Grant(
        limits=limits,
        paths=paths,
        domains=domains,
        report_only=policy.domains_report_only
        and allowlist_is_tools
        and tool.effects != effects.READ_ONLY,
        profile=tool.profile,
        environment=tool.env,
        minimum_isolation=policy.minimum_isolation,
    )


def _code(tool: Tool) -> Iterator[PathGrant]:
    """
    The code of a registered tool.  No policy speaks of it: the folder is the server's own.
    """
    for folder in tool.carried.code if tool.carried else ():
        place, _, name = folder.rpartition("/")
        yield PathGrant(
            path=f"{CODE}/{name}", access=pb.PATH_ACCESS_READ, root=CODE, real_root=place
        )


def check_switches(tool: Tool, policy: Policy) -> None:
    """
    Check that nothing that the tool needs is switched off.

    Raises:
        SwitchedOff: names the switch.
    """
    if not policy.filesystem and tool.paths:
        raise SwitchedOff("the file system, which this tool needs,")
    if not policy.commands and (tool.command or tool.profile == "subprocess"):
        raise SwitchedOff("running commands, which this tool does,")
    if not policy.network and (tool.domains or tool.profile == "net"):
        raise SwitchedOff("the network, which this tool needs,")


def _of_tool(tool: Tool, arguments: Mapping[str, Any]) -> Iterator[_Wanted]:
    """
    What the tool would get for these arguments.
    """
    for entry in tool.paths:
        template = PathTemplate.parse(entry)
        try:
            for path in template.expand(arguments):
                yield _Wanted(normalised(path), template.access, template.optional)
        except (NotNormalised, TypeError) as exc:
            field_name = f"arguments_json/{template.argument}"
            raise ArgumentsInvalid([(field_name, f"as a path it {exc}")]) from None


def _narrowed(index: int, asked: pb.PathGrant, own: Iterable[_Wanted]) -> _Wanted:
    """
    A requested path, which must lie in one of the tool's own, with no wider access.
    """
    access = asked.access or pb.PATH_ACCESS_READ
    if access not in _WIDTHS:
        raise InvalidField(f"grants.paths[{index}].access", "must be READ, WRITE or STAGED")
    try:
        path = normalised(asked.path)
    except NotNormalised as exc:
        raise InvalidField(f"grants.paths[{index}].path", str(exc)) from None
    for wanted in own:
        if lies_in(path, wanted.path) and _WIDTHS[access] <= _WIDTHS[wanted.access]:
            return _Wanted(path, access, wanted.optional)
    raise GrantTooWide(f"{pb.PathAccess.Name(access)} of {shown(path)}")


def _merged(wanted: Iterable[_Wanted]) -> list[_Wanted]:
    """
    Each path once: with its widest access, and optional only if nobody needs it.
    """
    merged: dict[str, _Wanted] = {}
    for one in wanted:
        other = merged.get(one.path, one)
        access = max(one.access, other.access, key=lambda access: _WIDTHS[access])
        merged[one.path] = _Wanted(one.path, access, one.optional and other.optional)
    return sorted(merged.values(), key=lambda one: one.path.split("/"))


def _check_staged(wanted: Sequence[_Wanted]) -> None:
    """
    A staged file is made in a private folder that stands in for its own: both cannot be granted.
    """
    staged = [one.path for one in wanted if one.access == pb.PATH_ACCESS_STAGED]
    for path in staged:
        for other in wanted:
            if lies_below(path, other.path):
                why = f"it would be staged, and lies in {other.path}, which is granted as a folder"
                raise PathNotAllowed(path, why, "name a path outside of that folder")


def _allowed(wanted: _Wanted, policy: Policy) -> PathGrant:
    """
    What policy makes of a path.  Deny speaks first.
    """
    path = wanted.path
    _check_denied(path, path, policy)
    root = policy.root_of(path)
    if root is None:
        raise PathNotAllowed(
            path,
            "it lies in none of the folders that the operator opened to tools",
            _remedy(policy),
        )
    _check_denied(path, rebased(path, root.path, root.real_path), policy)
    if wanted.access != pb.PATH_ACCESS_READ:
        _check_writable(path, policy)
    return PathGrant(
        path=path,
        access=wanted.access,
        root=root.path,
        real_root=root.real_path,
        optional=wanted.optional,
    )


def _remedy(policy: Policy) -> str:
    folders = ", ".join(root.path for root in policy.roots)
    return f"use a path in {folders}" if folders else "do without files; the operator opened none"


def _check_denied(named: str, path: str, policy: Policy) -> None:
    for denied in policy.denied_paths:
        if lies_in(path, denied):
            raise PathNotAllowed(named, "it is denied by the operator", "use another path")
        if lies_below(denied, path):
            raise PathNotAllowed(
                named, "it contains a path that the operator denies", "name what you need inside it"
            )


def _check_writable(path: str, policy: Policy) -> None:
    """
    The innermost root decides, and so does every root inside a directory that would be written.
    """
    innermost = policy.root_of(path)
    assert innermost is not None  # whoever asks has found it
    real = rebased(path, innermost.path, innermost.real_path)
    inside = [root for root in policy.roots if lies_below(root.path, path)]
    # A root may be a link into another: it is what it leads to.
    inside += [root for root in policy.roots if lies_below(root.real_path, real)]
    around = [root for root in policy.roots if lies_in(real, root.real_path)]
    nearest = max(len(root.real_path) for root in around)
    named_twice = [root for root in around if len(root.real_path) == nearest]
    if not any(root.writable for root in named_twice):
        inside += named_twice
    for root in (innermost, *inside):
        if not root.writable:
            raise PathNotAllowed(path, f"{root.path} is open for reading only", "read it instead")
