"""
Paths in a manifest: `/abs`, `{argument}`, or text around one `{argument}`.  Pure.

A bare `{argument}` is a path that the tool needs.  With text around it (`{database}-wal`) it is a
companion, granted if it exists.  An argument that is absent or null grants nothing; a list grants
each of its texts.  A template is never interpreted twice: braces in an argument are plain text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from toolcell.v1 import execution_pb2 as pb

from toolcell_server.paths import NotNormalised, normalised

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ACCESSES: Final = {
    "read": pb.PATH_ACCESS_READ,
    "write": pb.PATH_ACCESS_WRITE,
    "staged": pb.PATH_ACCESS_STAGED,
}
_ARGUMENT: Final = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class PathTemplate:
    """
    One entry of a manifest's `paths`.  `argument` is empty for a literal path, which is `before`.
    """

    access: pb.PathAccess.ValueType
    before: str
    argument: str = ""
    after: str = ""

    @classmethod
    def parse(cls, entry: Mapping[str, Any]) -> Self:
        """
        Raises:
            ValueError: it is no such entry; names the fault and the remedy.
        """
        if set(entry) != {"path", "access"}:
            raise ValueError('an entry of paths must be {"path": …, "access": …}')
        text, access = entry["path"], entry["access"]
        if access not in ACCESSES:
            raise ValueError(f"paths: access must be one of {', '.join(ACCESSES)}")
        if not isinstance(text, str):
            raise ValueError("paths: path must be a text")  # noqa: TRY004  # one kind for all faults
        return cls(ACCESSES[access], *_split(text))

    @property
    def optional(self) -> bool:
        return bool(self.argument) and bool(self.before or self.after)

    @property
    def text(self) -> str:
        return f"{self.before}{{{self.argument}}}{self.after}" if self.argument else self.before

    def expand(self, arguments: Mapping[str, Any]) -> Iterator[str]:
        """
        The paths that this call's arguments make of it; not checked yet.

        Raises:
            TypeError: the argument is neither a text nor a list of texts.
        """
        if not self.argument:
            yield self.before
            return
        value = arguments.get(self.argument)
        values = value if isinstance(value, list) else [] if value is None else [value]
        for text in values:
            if not isinstance(text, str):
                raise TypeError("names a path, so it must be a text or a list of texts")
            stem = text.removesuffix("/") if self.after else text
            yield f"{self.before}{stem}{self.after}"


def check(template: PathTemplate, parameters: Mapping[str, Any]) -> None:
    """
    Check a template against the schema of the arguments.

    Raises:
        ValueError: it names an argument that the schema does not have.
    """
    if template.argument and template.argument not in parameters.get("properties", {}):
        raise ValueError(f"paths: {template.text} names no argument of this tool")


def _split(text: str) -> tuple[str, str, str]:
    found = _ARGUMENT.findall(text)
    before, _, rest = text.partition("{")
    argument, _, after = rest.partition("}")
    if len(found) > 1 or "{" in rest or "}" in before + after or (rest and not found):
        raise ValueError(f"paths: {text!r:.80} must hold at most one {{argument}}")
    if found and not argument:
        raise ValueError(f"paths: {text!r:.80} names no argument between its braces")
    if not found or before:
        _check_literal(text, before)
    return before, argument, after


def _check_literal(text: str, before: str) -> None:
    try:
        normalised(before if before == text else f"{before}x")
    except NotNormalised as exc:
        raise ValueError(f"paths: {text!r:.80} {exc}") from None
