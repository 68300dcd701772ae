"""
Every error that a caller can meet, as rows of one table: refusals, and endings other than success.

Theory of operation.  The rows are made from the code, not beside it: a refusal is constructed with
examples for what its constructor takes, an ending by the function that makes it for a real one.
So the reference (`docs/errors.md`, which `python -m toolcell_server errors` prints) cannot say what
the server does not, and whoever adds a refusal adds a row by adding it to `refusals.__all__`.
`faults` says what of the promises of the contract a row breaks.  Pure.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from toolcell.v1 import execution_pb2 as pb

from toolcell_server import endings, refusals, staged_endings
from toolcell_server.hosts import endings as hosted_endings
from toolcell_server.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_SPOKEN: Final = 120  # characters; about seven seconds of speech
JARGON: Final = re.compile(
    r"\b(api|argument|cell|code|exception|grpc|http|isolation|json|kernel|landlock|principal|quota"
    r"|sandbox|schema|scope|seccomp|sequence|status|token|uuid|zygote)s?\b|[_`{}]",
    re.IGNORECASE,
)
ACTORS: Final = {
    "user": "whoever wrote the call",
    "temporary": "nobody; wait and call again",
    "permanent": "the operator, or call something else",
    "unknown": "whoever can find out: the tool's author, or the operator",
}
_SAMPLES: Final[dict[str, Any]] = {
    "str": None,  # the name of the parameter, in capitals
    "int": 1,
    "float": 1.0,
    "bool": False,
    "Sequence[FieldViolation]": [("arguments_json/city", "is required")],
}


class NoExample(TypeError):  # noqa: N818  # names what there is not
    """
    Raised when a refusal takes what the table has no example of.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """
    One error.  `code` is the gRPC status of a refusal; an ending comes with OK.
    """

    reason: str
    code: str
    category: str
    retryable: bool
    message: str
    hint: str
    spoken: str


def of_refusals() -> list[Row]:
    """
    One row for each refusal, by reason.

    Raises:
        NoExample: one of them cannot be constructed here.
    """
    kinds = (getattr(refusals, name) for name in refusals.__all__ if name != "CallRefused")
    return sorted((_of_refusal(example(kind)) for kind in kinds), key=lambda row: row.reason)


def of_endings() -> list[Row]:
    """
    One row for each ending that the server itself gives, by the order of the contract.
    """
    return [_of_ending(name, outcome) for name, outcome in _endings()]


def example(kind: type[refusals.CallRefused]) -> refusals.CallRefused:
    """
    A refusal of that kind.  One whose parameters are of other types than texts, numbers and lists
    has a class method `example`.

    Raises:
        NoExample: it has not.
    """
    if made := getattr(kind, "example", None):
        found: refusals.CallRefused = made()
        return found
    parameters = list(inspect.signature(kind).parameters.values())
    needed = [one for one in parameters if one.default is one.empty]
    positional = [_sample(kind, one) for one in needed if one.kind is not one.KEYWORD_ONLY]
    named = {one.name: _sample(kind, one) for one in needed if one.kind is one.KEYWORD_ONLY}
    return kind(*positional, **named)


def faults(row: Row) -> Iterator[str]:
    """
    What of the contract's promises an error breaks.
    """
    if row.category not in ACTORS:
        yield f"category {row.category!r} is none"
    if row.retryable and row.category != "temporary":
        yield "retryable, and not temporary"
    if not row.message:
        yield "no message"
    if not row.hint.endswith(".") or re.search(r"[.!?]\s+[A-Z]", row.hint):
        yield f"the hint is not one sentence: {row.hint!r}"
    if not row.spoken.endswith(".") or len(row.spoken) > LONGEST_SPOKEN:
        yield f"nobody can say {row.spoken!r}"
    if jargon := JARGON.search(row.spoken):
        yield f"{jargon[0]!r} is no word to say: {row.spoken!r}"


def _sample(kind: type[refusals.CallRefused], parameter: inspect.Parameter) -> Any:
    written = str(parameter.annotation)
    if written in _SAMPLES:
        return _SAMPLES[written] if written != "str" else _text(parameter.name)
    if written.startswith(("Sequence[", "tuple[", "list[", "Iterable[")):
        return ()
    if written.startswith(("Mapping[", "dict[")):
        return {}
    raise NoExample(
        f"{kind.__name__} takes {parameter.name}: {written}; give it a class method `example`"
    )


def _text(name: str) -> str:
    return "ask the operator for it" if name == "remedy" else name.upper()


def _of_refusal(refused: refusals.CallRefused) -> Row:
    return Row(
        reason=refused.reason,
        code=refused.code,
        category=refused.category,
        retryable=refused.retryable,
        message=refused.message,
        hint=refused.hint,
        spoken=refused.spoken,
    )


def _of_ending(name: str, outcome: pb.Outcome) -> Row:
    category = pb.ErrorCategory.Name(outcome.category).removeprefix("ERROR_CATEGORY_").lower()
    return Row(
        reason=name,
        code="OK",
        category=category,
        retryable=outcome.retryable,
        message=outcome.message,
        hint=outcome.hint,
        spoken=outcome.spoken,
    )


def _endings() -> Iterator[tuple[str, pb.Outcome]]:
    limits = Limits()
    by_limit = {number: name for name, (number, _) in reversed(endings.LIMITS.items())}
    for number in _numbers(pb.Limit):
        timeout = number == pb.LIMIT_TIMEOUT
        outcome = endings.timed_out() if timeout else endings.exceeded(by_limit[number], limits)
        yield f"exceeded({_word(pb.Limit, number)})", outcome
    for number in _numbers(pb.Wall):
        word = _word(pb.Wall, number)
        yield f"violated({word})", endings.violated(word, "what it tried")
    for number in _numbers(pb.CancelReason):
        yield f"cancelled({_word(pb.CancelReason, number)})", endings.cancelled(number)
    for number in _numbers(pb.LostReason):
        yield f"lost({_word(pb.LostReason, number)})", _lost(number)


def _lost(reason: pb.LostReason.ValueType) -> pb.Outcome:
    if reason == pb.LOST_REASON_NOT_COMMITTED:
        return staged_endings.not_committed("the file", "why")
    if reason == pb.LOST_REASON_OUTCOME_UNKNOWN:
        return staged_endings.outcome_unknown("the file")
    if reason == pb.LOST_REASON_HOST_GONE:
        return hosted_endings.nobody()
    wall = "seccomp" if reason == pb.LOST_REASON_WALL_NOT_BUILT else ""
    return endings.lost(reason, "why", wall)


def _numbers(kind: Any) -> list[Any]:
    return [number for number in kind.values() if number]


def _word(kind: Any, number: int) -> str:
    """
    `wall` for LIMIT_WALL: without the prefix that all names of the enumeration share.
    """
    prefix: str = kind.Name(0).removesuffix("UNSPECIFIED")
    return str(kind.Name(number)).removeprefix(prefix).lower()
