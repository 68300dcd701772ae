"""
Who may import whom: the doors between the rooms, and the judgement of a tree by them.

toolcell_client -> toolcell.v1 <- toolcell_server -> toolcell_worker.wire.  The first door whose
pattern fits a file is the file's; a file that fits none is a complaint too.
"""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import TYPE_CHECKING

from architecture.imports import Import, Source, sources

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

GRPC = ("grpc", "google", "grpc_status")
WORKER = "sandbox_worker/toolcell_worker"
WALLS = ("walls", "wire", "syscalls", "start", "steps", "template")
# The programs around the cells, and what they are made of.
PROGRAMS = (
    *(
        "__init__",
        "__main__",
        "cell",
        "commit",
        "enclosing",
        "forking",
        "generators",
        "init",
        "keeper",
        "loading",
        "probe",
    ),
    *("rooms", "spawning", "start", "steps", "surroundings", "template", "whole", "zygote"),
)


@dataclass(frozen=True, slots=True)
class Door:
    """
    What the files of a pattern may import, besides the standard library.
    """

    files: tuple[str, ...]
    allowed: tuple[str, ...]
    reason: str


DOORS = (
    Door(
        ("proto/*",),
        ("toolcell.v1", "grpc", "google"),
        "the contract knows nothing of ours",
    ),
    Door(
        ("client/toolcell_client/pytest_plugin.py",),
        ("toolcell_client", "pytest"),
        "a fixture for users' own tests; nothing else loads it",
    ),
    Door(
        ("client/toolcell_client/cli/signing.py",),
        ("toolcell_client", "cryptography"),
        "signs uploads, where it is installed; nothing else needs it",
    ),
    Door(
        ("client/toolcell_client/usage/prices.py",),
        ("toolcell_client", "genai_prices"),
        "knows what models cost, where it is installed; nothing else needs it",
    ),
    Door(
        ("client/toolcell_client/usage/metrics.py",),
        ("toolcell_client", "prometheus_client"),
        "counts for Prometheus, where it is installed; nothing else needs it",
    ),
    Door(
        ("client/toolcell_client/loops/validating.py",),
        ("toolcell_client", "jsonschema", "referencing"),
        "checks arguments of schema-only tools, where it is installed; nothing else needs it",
    ),
    Door(
        ("client/toolcell_client/mcp_server/*",),
        (
            *("toolcell_client", "toolcell.v1", "mcp", "mcp_types", "anyio", "pydantic"),
            *("starlette", "uvicorn"),
        ),
        "the extra [mcp]: the SDK, and what it is made of; nothing else loads it",
    ),
    Door(
        ("client/toolcell_client/frameworks/lang*.py",),
        ("toolcell_client", "langchain_core", "langgraph"),
        "tools for a framework, for those who have it; nothing else loads them",
    ),
    Door(
        ("client/toolcell_client/frameworks/openai_agents.py",),
        ("toolcell_client", "agents"),
        "tools for a framework, for those who have it; nothing else loads them",
    ),
    Door(
        ("client/toolcell_client/frameworks/pydantic_ai.py",),
        ("toolcell_client", "pydantic_ai", "pydantic_core"),
        "tools for a framework, for those who have it; nothing else loads them",
    ),
    Door(
        ("examples/*",),
        (
            *("toolcell_client", "offline", "own_functions", "openai", "anthropic", "google.genai"),
            *("agents", "httpx", "langchain", "langchain_openai", "mcp", "pydantic_ai"),
        ),
        "programs of users: the client, and the SDK that each of them shows",
    ),
    Door(
        ("client/*",),
        ("toolcell_client", "toolcell.v1", *GRPC),
        "the base install; the server is reached as a program",
    ),
    Door(
        ("server/toolcell_server/egress/enclosing.py",),
        ("toolcell_worker.walls", "toolcell_worker.syscalls"),
        "the egress gives up what a cell does, by the same means",
    ),
    Door(
        ("server/*",),
        (
            *("toolcell_server", "toolcell.v1", "toolcell_worker.wire", *GRPC),
            *("cryptography", "ddsketch", "dns", "grpc_health", "grpc_reflection", "h11", "idna"),
            *("jsonschema", "jwt", "limits", "msgspec", "prometheus_client", "psutil"),
            *("jmespath", "rapidfuzz", "referencing", "snowballstemmer", "uvloop", "yaml"),
        ),
        "the server never imports a tool, a wall or the zygote",
    ),
    Door(
        (f"{WORKER}/wire/*",),
        ("toolcell_worker.wire",),
        "the door itself: whatever it imports, the server imports",
    ),
    Door(
        (f"{WORKER}/walls/*", f"{WORKER}/syscalls/*"),
        tuple(f"toolcell_worker.{name}" for name in WALLS),
        "a wall is built by the standard library and the kernel",
    ),
    Door(
        tuple(f"{WORKER}/{name}.py" for name in PROGRAMS),
        ("toolcell_worker",),
        "every import is warm memory in each fork, and attack surface in each cell",
    ),
    Door(
        (f"{WORKER}/battery/*",),
        ("toolcell_worker",),
        "hostile code has what any tool has, and no more",
    ),
    Door(
        (f"{WORKER}/*",),
        ("toolcell_worker", "msgspec", "docstring_parser"),
        "authoring and running tools needs no more than schemas and coercion from type hints",
    ),
)

# Modules that decide: from values to values, so that they can be tested and read as tables.
PURE = (
    *("toolcell_server.domain_grants", "toolcell_server.egress.addresses"),
    *("toolcell_server.egress.budget", "toolcell_server.egress.decide"),
    "toolcell_server.egress.stand_ins",
    *("toolcell_server.egress.decide_addresses", "toolcell_server.egress.names"),
    *("toolcell_server.egress.narrowing", "toolcell_server.egress.request_paths"),
    *("toolcell_server.egress.rule_entries", "toolcell_server.egress.rules"),
    *("toolcell_server.egress.templates", "toolcell_server.egress.urls"),
    "toolcell_server.egress.verdicts",
    *("toolcell_server.egress.client_hello", "toolcell_server.egress.dns"),
    *("toolcell_server.egress.entrance", "toolcell_server.egress.proxy_requests"),
    *("toolcell_server.egress.dns_answers", "toolcell_server.egress.dns_framing"),
    *("toolcell_server.egress.hello_message", "toolcell_server.egress.octets"),
    *("toolcell_server.durations", "toolcell_server.endings", "toolcell_server.grants"),
    *("toolcell_server.grant_compiler", "toolcell_server.isolation"),
    *("toolcell_server.egress.http_actions", "toolcell_server.egress.http_bodies"),
    "toolcell_server.egress.http_errors",
    *("toolcell_server.egress.http_exchange", "toolcell_server.egress.http_fields"),
    *("toolcell_server.egress.http_framing", "toolcell_server.egress.http_gate"),
    *("toolcell_server.egress.http_lines", "toolcell_server.egress.http_refusals"),
    *("toolcell_server.egress.http_request", "toolcell_server.egress.http_secrets"),
    *("toolcell_server.json_pointer", "toolcell_server.limits", "toolcell_server.manifest"),
    *("toolcell_server.pages", "toolcell_server.path_templates", "toolcell_server.paths"),
    *("toolcell_server.request_fields", "toolcell_server.single_keys"),
    *("toolcell_server.demand", "toolcell_server.hidden"),
    *("toolcell_server.rates.notation", "toolcell_server.rates.rules"),
    *("toolcell_server.rates.manifests", "toolcell_server.rates.subjects"),
    *("toolcell_server.rates.window", "toolcell_server.rates.windows"),
    *("toolcell_server.approvals.approval", "toolcell_server.approvals.binding"),
    *("toolcell_server.approvals.differences", "toolcell_server.approvals.judging"),
    "toolcell_server.approvals.kinds",
    *("toolcell_server.approvals.messages", "toolcell_server.approvals.telling"),
    *("toolcell_server.caching.cache", "toolcell_server.caching.keys"),
    *("toolcell_server.breaking.circuit", "toolcell_server.effects"),
    *("toolcell_server.retrying.retries", "toolcell_server.retrying.budget"),
    *("toolcell_server.records.bygone", "toolcell_server.records.entries"),
    "toolcell_server.records.interrupted",
    *("toolcell_server.hosts.credit", "toolcell_server.hosts.definitions"),
    "toolcell_server.hosts.endings",
    *("toolcell_server.hosts.isolation", "toolcell_server.hosts.offers"),
    *("toolcell_server.hosts.owner", "toolcell_server.hosts.narrowing"),
    *("toolcell_server.catalogues", "toolcell_server.hooks.endings", "toolcell_server.middleware"),
    *("toolcell_server.rights.conditions", "toolcell_server.rights.origins"),
    *("toolcell_server.rights.pattern_syntax", "toolcell_server.rights.patterns"),
    *("toolcell_server.rights.reach", "toolcell_server.rights.roles"),
    *("toolcell_server.rights.rules", "toolcell_server.rights.selectors"),
    *("toolcell_server.schema_check", "toolcell_server.schema_walk"),
    *("toolcell_server.strict_json", "toolcell_server.tails", "toolcell_server.tool"),
    *("toolcell_server.versions", "toolcell_server.violations"),
    *("toolcell_server.arguments.places", "toolcell_server.arguments.preparation"),
    *("toolcell_server.arguments.transforms", "toolcell_server.formats"),
    *("toolcell_server.redaction", "toolcell_server.redaction.events"),
    *("toolcell_server.screens", "toolcell_server.screens.results"),
    "toolcell_server.stream_safe",
    *("toolcell_server.authentication.claims", "toolcell_server.authentication.failure"),
    *("toolcell_server.authentication.header", "toolcell_server.authentication.key_set"),
    *("toolcell_server.authentication.verified", "toolcell_server.refusals.callers"),
    *("toolcell_server.sessions.messages", "toolcell_server.sessions.quota"),
    "toolcell_server.sessions.tools",
    *("toolcell_server.audit.chain", "toolcell_server.audit.checkpoints"),
    *("toolcell_server.audit.content", "toolcell_server.audit.describing"),
    *("toolcell_server.audit.lines", "toolcell_server.audit.searching"),
    *("toolcell_server.audit.values", "toolcell_server.audit.verifying"),
    *("toolcell_server.ending_hints", "toolcell_server.error_table"),
    *("toolcell_server.registering.added", "toolcell_server.registering.naming"),
    *("toolcell_server.registering.mcp.listed", "toolcell_server.registering.openapi.bodies"),
    "toolcell_server.registering.openapi.documents",
    *("toolcell_server.registering.openapi.inputs", "toolcell_server.registering.openapi.outputs"),
    "toolcell_server.registering.openapi.operations",
    *(
        "toolcell_server.registering.openapi.pointers",
        "toolcell_server.registering.openapi.schemas",
    ),
    *(
        "toolcell_server.registering.openapi.servers",
        "toolcell_server.registering.openapi.yaml_reading",
    ),
    *("toolcell_server.batching.plan", "toolcell_server.workflows.definition"),
    *("toolcell_server.workflows.expressions", "toolcell_server.workflows.messages"),
    *("toolcell_server.workflows.plan", "toolcell_server.workflows.problems"),
    *("toolcell_server.workflows.progress", "toolcell_server.workflows.shape"),
    *("toolcell_server.workflows.templates", "toolcell_server.workflows.values"),
    *("toolcell_client.voice.confirmations", "toolcell_client.voice.dialogue"),
)
_INPUT_OUTPUT = """
    asyncio ctypes fcntl grpc http io logging mmap multiprocessing os pathlib psutil resource
    select selectors shutil signal socket sqlite3 ssl subprocess tempfile threading time
    urllib.request
"""
INPUT_OUTPUT = tuple(_INPUT_OUTPUT.split())

# The composition root and what starts it: the only files that know concrete executors.
ROOTS = tuple(
    f"server/toolcell_server/{name}.py" for name in ("app", "parts", "wiring", "__main__")
)


def judge(root: Path) -> list[str]:
    """
    Complaints about every file of a tree, as "path:line: sentence".
    """
    read = list(sources(root))
    return [
        complaint
        for part in (through_doors, without_private_names, concrete_classes, pure_modules)
        for complaint in part(read)
    ]


def through_doors(read: Sequence[Source]) -> Iterator[str]:
    """
    Each import is of the standard library or goes through the file's door.
    """
    for source in read:
        door = next((door for door in DOORS if fits(source.path, door.files)), None)
        if door is None:
            yield f"{source.path}: no door says what this file may import"
            continue
        for each in source.imports:
            if not (_below(each.name, door.allowed) or _standard(each)):
                yield f"{source.path}:{each.line}: imports {each.name}; {door.reason}"


def without_private_names(read: Sequence[Source]) -> Iterator[str]:
    """
    A name that begins with _ stays in its own room.
    """
    for source in read:
        room = source.module.split(".")[0]
        for each in source.imports:
            first, *rest = each.name.split(".")
            private = any(part.startswith("_") and part != "__main__" for part in rest)
            if private and first.startswith("toolcell") and first != room:
                yield f"{source.path}:{each.line}: imports {each.name}, which is private"


def concrete_classes(read: Sequence[Source]) -> Iterator[str]:
    """
    Executors are wired in one place; everybody else knows the protocol only.
    """
    concrete = {
        f"{source.module}.{node.name}"
        for source in read
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ClassDef) and node.name.endswith("Executor") and node.bases == []
    }
    homes = {name.rpartition(".")[0] for name in concrete}
    for source in read:
        for each in source.imports:
            if (each.name in concrete or each.name in homes) and source.path not in ROOTS:
                yield f"{source.path}:{each.line}: imports {each.name}; only app.py wires executors"


def pure_modules(read: Sequence[Source]) -> Iterator[str]:
    """
    A decision reaches no input or output, not even through another module of ours.
    """
    known = {source.module: source for source in read}
    for name in PURE:
        for module in _reachable(name, known):
            for each in known[module].imports:
                if each.at_runtime and _below(each.name, INPUT_OUTPUT):
                    yield f"{known[module].path}:{each.line}: imports {each.name}; {name} is pure"


def _reachable(name: str, known: dict[str, Source]) -> set[str]:
    reached: set[str] = set()
    open_ = [name] if name in known else []
    while open_:
        module = open_.pop()
        reached.add(module)
        imported = (each.name for each in known[module].imports if each.at_runtime)
        # `from a import b` is module a.b if there is one, else a name in module a.
        found = (each if each in known else each.rpartition(".")[0] for each in imported)
        open_ += [each for each in found if each in known and each not in reached]
    return reached


def fits(path: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch(path, pattern) for pattern in patterns)


def _below(name: str, allowed: tuple[str, ...]) -> bool:
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in allowed)


def _standard(each: Import) -> bool:
    first = each.name.split(".")[0]
    # Types of a later Python, which mypy knows and the program never loads.
    mypys = first in {"typing_extensions", "_typeshed"} and not each.at_runtime
    return first in sys.stdlib_module_names or mypys
