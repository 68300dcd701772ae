"""
How a command is called: every fault of its argv, stdin and result.  Pure.

A definition that is registered names a program of the cell's runtime by an absolute path; a
manifest in a folder may also name one beside it (`./count.sh`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from toolcell_server.defining.faults import Code, Fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

KEYS: Final = ("argv", "stdin", "result", "parameters_file")
RESULTS: Final = ("stdout", "fd3", "text")
MAXIMUM_ARGV: Final = 256
# `{name}` is an argument of the call; `{{` and `}}` are braces.
_PART: Final = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}")


def faults(
    command: Mapping[str, Any], parameters: Mapping[str, Any] | None, *, beside: bool = False
) -> Iterator[Fault]:
    """
    What is wrong with the keys `argv`, `stdin` and `result`; `parameters` None: the schema of the
    arguments is wrong itself.  `beside`: the program may lie beside the manifest.
    """
    argv, stdin = command.get("argv"), command.get("stdin") or "none"
    yield from _of_argv(argv, parameters, beside=beside)
    if not isinstance(stdin, str) or (
        stdin not in ("json", "none") and not re.fullmatch(r"\{[A-Za-z_]\w*\}", stdin)
    ):
        said = f'must be "json", "none" or one "{{argument}}", not {stdin!r:.80}'
        yield Fault("/stdin", Code.COMMAND, said)
    else:
        yield from _unknown("/stdin", stdin, parameters)
    result = command.get("result") or "stdout"
    if result not in RESULTS:
        said = f"must be one of {', '.join(RESULTS)}, not {result!r:.80}"
        yield Fault("/result", Code.NOT_ONE_OF, said)


def _of_argv(argv: Any, parameters: Mapping[str, Any] | None, *, beside: bool) -> Iterator[Fault]:
    if not isinstance(argv, list | tuple) or not argv:
        said = 'must be a list of texts, for example ["/usr/bin/wc", "{path}"]'
        yield Fault("/argv", Code.COMMAND if argv is not None else Code.REQUIRED, said)
        return
    if len(argv) > MAXIMUM_ARGV:
        said = f"has {len(argv)} entries; at most {MAXIMUM_ARGV} are allowed"
        yield Fault("/argv", Code.TOO_MANY, said)
    for index, part in enumerate(argv[:MAXIMUM_ARGV]):
        if not isinstance(part, str):
            yield Fault(f"/argv/{index}", Code.WRONG_TYPE, f"must be a text, not {part!r:.80}")
        elif "\0" in part:
            yield Fault(
                f"/argv/{index}", Code.COMMAND, "holds a NUL, which no program can be given"
            )
        else:
            yield from _unknown(f"/argv/{index}", part, parameters)
    yield from _of_program(argv[0], beside=beside)


def _of_program(program: Any, *, beside: bool) -> Iterator[Fault]:
    if not isinstance(program, str):
        return
    starts = ("/", "./", "../") if beside else ("/",)
    if not program.startswith(starts):
        where = ", or begin with ./ to lie beside the manifest" if beside else ""
        said = f"must be the absolute path of a program{where}, not {program!r:.80}"
        yield Fault("/argv/0", Code.COMMAND, said)
    if any(_PART.findall(program)):
        yield Fault("/argv/0", Code.COMMAND, "must not depend on an argument; name the program")


def _unknown(at: str, text: str, parameters: Mapping[str, Any] | None) -> Iterator[Fault]:
    """
    Names in braces that are no argument; braces around anything else are plain text.
    """
    known = None if parameters is None else parameters.get("properties", {})
    for name in filter(None, _PART.findall(text)):
        if known is not None and name not in known:
            said = f"names the argument {name!r}, which it does not have"
            yield Fault(at, Code.COMMAND, f"{said}; write {{{{ and }}}} for braces")
