"""
`python -m toolcell_server errors`: the reference of all errors, `docs/errors.md`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from toolcell_server import error_table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from toolcell_server.error_table import Row

_ABOUT: Final = """\
# Errors

This file is written by `python -m toolcell_server errors > docs/errors.md`; a test compares it with
the code.

There are two planes.  A call that is **refused** ran nothing: it ends with a gRPC status, whose
details hold `google.rpc.ErrorInfo` with `domain = "toolcell"`, the `reason`, and in the metadata
`category`, `retryable`, `hint` and `spoken`.  A call that **ran** ends with status OK, and
`Finished.outcome` says how, with the same words as fields.

Each error has four texts, for four readers: the *message* is for people, and names what was wrong,
where, and the remedy; the *hint* is one sentence that a model can act on; *spoken* is one short
sentence for a voice agent; `reason`, `category` and `retryable` are for programs, which never read
the texts.  Only what is `temporary` is worth the same call again.

| Category | Who must act |
|---|---|
{actors}

Texts below are examples: names and numbers are those of the call.
"""
_HEAD: Final = """
| {first} | Code | Category | Again | Hint | Spoken |
|---|---|---|---|---|---|
"""
_FAILED: Final = """
`completed` has no texts.  `failed` carries what the tool said (`ToolError`): category, whether it
is retryable, hint and spoken are the tool's own, bounded; a tool that said nothing is `unknown`.
"""


def main() -> int:
    """
    Print it; the exit code.
    """
    print(reference(), end="")  # noqa: T201  # the program's result
    return 0


def reference() -> str:
    """
    The whole reference, in Markdown.
    """
    actors = "\n".join(f"| `{name}` | {who} |" for name, who in error_table.ACTORS.items())
    return "".join(
        (
            _ABOUT.format(actors=actors),
            "\n## Refused\n",
            _HEAD.format(first="Reason"),
            _rows(error_table.of_refusals()),
            "\n## Ran\n",
            _FAILED,
            _HEAD.format(first="Outcome"),
            _rows(error_table.of_endings()),
        )
    )


def _rows(rows: Iterable[Row]) -> str:
    return "".join(
        f"| `{row.reason}` | {row.code} | {row.category} | {'yes' if row.retryable else 'no'}"
        f" | {_cell(row.hint)} | {_cell(row.spoken)} |\n"
        for row in rows
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
