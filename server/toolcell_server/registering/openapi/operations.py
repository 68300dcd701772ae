"""
The operations of a document, each as a tool: its manifest, and what its carrier is told.  Pure.

Theory of operation.  A document is hostile: whoever wrote it is not who registers it.  What it says
becomes a manifest that is checked as any other, and a payload that is data.  Its word about effects
is not taken: they are the method's.  GET and HEAD only read, if the relay sees each request and the
operator called the host safe (`effects.py`); where it does not, nobody could hold the tool to that,
and it writes.  DELETE destroys.

An operation that cannot be a tool is skipped, with the reason; the others are none the worse.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from toolcell_server.registering import naming
from toolcell_server.registering.openapi import documents, pointers, servers
from toolcell_server.registering.openapi.inputs import inputs_of
from toolcell_server.registering.openapi.outputs import returns_of
from toolcell_server.registering.openapi.schemas import Schemas, TooLarge
from toolcell_server.registering.openapi.servers import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAXIMUM: Final = 250  # operations that are wanted; arbitrary
# Of the schemas of all together: to check so many takes seconds.
MAXIMUM_NODES: Final = 60_000
# Of a processor, for all operations.  They may share what is large, a path or a body: then a small
# document is as much work as a huge one, and what takes so long is none that anybody wrote.
MAXIMUM_SECONDS: Final = 5.0
CARRIER: Final = "call_openapi"
_METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_CALLED: Final = ("get", "put", "post", "delete", "head", "patch")
_IDEMPOTENT: Final = ("get", "head", "put", "delete")
_LONGEST_DESCRIPTION: Final = 1000
# What a document that is no OpenAPI runs into: a text where a list belongs, and the like.
_MALFORMED: Final = (AttributeError, IndexError, KeyError, TypeError)
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """
    What is made of a document.  `wanted` says which operations, by their names in it; `safe` which
    hosts the operator trusts to mean GET by GET.
    """

    base_url: str = ""
    prefix: str = ""
    credential: str = ""
    wanted: Callable[[str], bool] = lambda _: True
    safe: Callable[[str], bool] = lambda _: False


@dataclass(frozen=True, slots=True)
class Operation:
    """
    One operation as a tool.  `own` is what the document calls it, `pointer` where it is in
    the definition.  `nodes` is how much its schemas are.
    """

    own: str
    pointer: str
    manifest: dict[str, Any]
    payload: dict[str, Any]
    nodes: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """
    One operation that is no tool, by its JSON pointer in the definition, and why.
    """

    own: str
    pointer: str
    reason: str


class _At(NamedTuple):
    """
    Where an operation stands: its path, its method, and what the document says of that path.
    """

    path: str
    method: str
    item: dict[str, Any]


@dataclass(slots=True)
class Found:
    """
    What a document holds.
    """

    operations: list[Operation] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


def found_in(
    document: dict[str, Any], wish: Wish, clock: Callable[[], float] = lambda: 0.0
) -> Found:
    """
    Every operation of a document that is wanted, in its order; `clock` reads in seconds how long
    the processor has worked.

    Raises:
        NotADocument: it has more operations than are read, or they take too long.
        NoServer: `base_url` says not where they are.
    """
    if wish.base_url:
        Place.of(wish.base_url, wish.credential)  # said once, and not of every operation
    found, taken = Found(), set[str]()
    nodes, until = 0, clock() + MAXIMUM_SECONDS
    for at in _listed(document):
        path, method, item = at
        operation = item[method]
        own = operation.get("operationId") if isinstance(operation, dict) else None
        own = own if isinstance(own, str) and own else f"{method} {path}"
        if not wish.wanted(own):
            continue
        if len(taken) == MAXIMUM:
            said = f"more than {MAXIMUM} of its operations are wanted; name fewer"
            raise documents.NotADocument(said)
        if clock() > until:
            raise documents.NotADocument("its operations take too long to read; name fewer")
        name = naming.tool_name(own, wish.prefix, taken)
        try:
            made = _made(document, wish, (own, name), at)
            if (nodes := nodes + made.nodes) > MAXIMUM_NODES:
                raise TooLarge("the schemas of all wanted operations are too many; name fewer")
            found.operations.append(made)
        except ValueError as exc:
            found.skipped.append(Skipped(own, _pointer(at), str(exc)))
        except _MALFORMED as exc:
            reason = f"it is not what OpenAPI says ({type(exc).__name__}: {exc!s:.80})"
            found.skipped.append(Skipped(own, _pointer(at), reason))
    return found


def _pointer(at: _At) -> str:
    return f"/openapi/document/paths/{at.path.replace('~', '~0').replace('/', '~1')}/{at.method}"


def _listed(document: dict[str, Any]) -> Iterator[_At]:
    for path, declared in document["paths"].items():
        if not path.startswith("/"):
            continue  # an extension, x-…
        try:
            item = pointers.resolved(document, declared)
        except pointers.NotResolved:
            continue
        yield from (_At(path, method, item) for method in _METHODS if method in item)


def _made(document: dict[str, Any], wish: Wish, names: tuple[str, str], at: _At) -> Operation:
    path, method, item = at
    operation = pointers.resolved(document, item[method])
    if method not in _CALLED:
        raise ValueError(f"{method.upper()} is not called")
    url = wish.base_url or servers.first_url(operation, item, document)
    place = Place.of(url, wish.credential)
    older = documents.is_older(document)
    sent, told = (Schemas(document, older, request=request) for request in (True, False))
    inputs = inputs_of(sent, item, operation)
    _check_path(path, inputs.parameters)
    answer, returns = returns_of(told, operation)
    own, name = names
    manifest: dict[str, Any] = {
        "name": name,
        **_told(document, operation, method, path),
        "parameters": inputs.schema,
        **({"returns": returns} if returns is not None else {}),
        "effects": _effects(method, place, wish),
        "idempotent": method in _IDEMPOTENT,
        "domains": [place.domain(method.upper(), path)],
        "profile": "net",
    }
    payload = {
        "method": method.upper(),
        "url": place.url,
        "path": path,
        "parameters": inputs.parameters,
        "body": inputs.body,
        "answer": answer,
    }
    return Operation(own, _pointer(at), manifest, payload, sent.nodes + told.nodes)


def _effects(method: str, place: Place, wish: Wish) -> str:
    if method in {"get", "head"}:
        return "read_only" if place.seen and wish.safe(place.host) else "writes"
    return "destructive" if method == "delete" else "writes"


def _check_path(path: str, parameters: list[dict[str, Any]]) -> None:
    known = {each["name"] for each in parameters if each["place"] == "path"}
    for name in re.findall(r"\{([^{}]*)\}", path):
        if name not in known:
            raise ValueError(f"its path names {{{name:.80}}}, and there is no such parameter")


def _told(
    document: dict[str, Any], operation: dict[str, Any], method: str, path: str
) -> dict[str, Any]:
    """
    What people and models are told of it.
    """
    summary = _text(operation.get("summary")).rstrip(".")
    description = _text(operation.get("description"))
    parts = [f"{summary}." if summary else "", description if description != summary else ""]
    text = " ".join(filter(None, parts)) or f"{method.upper()} {path}"
    if operation.get("deprecated") is True:
        deprecated = {"deprecated": "the document of this API says so"}
    else:
        deprecated = {}
    tags = [_text(tag)[:64] for tag in (operation.get("tags") or ())[:32] if _text(tag)]
    info = document.get("info")
    title = _text(info.get("title")) if isinstance(info, dict) else ""
    category = {"category": title[:64]} if title else {}
    return {
        "title": (summary or text)[:256],
        "description": text[:_LONGEST_DESCRIPTION],
        "tags": tags,
        **category,
        **deprecated,
    }


def _text(value: Any) -> str:
    return _CONTROLS.sub(" ", value).strip() if isinstance(value, str) else ""
