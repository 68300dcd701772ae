"""
The contract as protoc sees it: every element of the .proto files, with its comment.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parents[2]
PROTO = ROOT / "proto"

Place = tuple[int, ...]  # field numbers of descriptor.proto and indices: the way to an element
SYNTAX: Place = (FileDescriptorProto.SYNTAX_FIELD_NUMBER,)


@dataclass(frozen=True, slots=True)
class Element:
    """
    One declaration: its kind, its name with its parents', and the comment above it.
    """

    kind: str  # message, field, oneof, enum, value, service or rpc
    name: str
    declared: Any  # the descriptor; its class goes with the kind
    parent: Any  # the descriptor around it
    comment: str


def compiled() -> list[FileDescriptorProto]:
    """
    The .proto files of the contract, compiled, with their comments.
    """
    sources = sorted(str(path.relative_to(PROTO)) for path in PROTO.rglob("*.proto"))
    assert sources
    with tempfile.NamedTemporaryFile() as out:
        command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{PROTO}", "--include_source_info"]
        subprocess.run([*command, f"--descriptor_set_out={out.name}", *sources], check=True)
        return list(FileDescriptorSet.FromString(Path(out.name).read_bytes()).file)


def comments(file: FileDescriptorProto) -> dict[Place, str]:
    """
    The comment above each element, by its place.  An element without one has "".
    """
    return {tuple(at.path): at.leading_comments.strip() for at in file.source_code_info.location}


def elements(files: Sequence[FileDescriptorProto], *kinds: str) -> Iterator[Element]:
    """
    Every element of these kinds, files in order.
    """
    for file in files:
        above = comments(file)
        for kind, name, declared, parent, place in _declarations(file):
            if kind in kinds:
                yield Element(kind, name, declared, parent, above.get(place, ""))


_Declaration = tuple[str, str, Any, Any, Place]


def _declarations(file: FileDescriptorProto) -> Iterator[_Declaration]:
    for index, message in enumerate(file.message_type):
        place = (FileDescriptorProto.MESSAGE_TYPE_FIELD_NUMBER, index)
        yield from _in_message(message, file, message.name, place)
    for index, enum in enumerate(file.enum_type):
        place = (FileDescriptorProto.ENUM_TYPE_FIELD_NUMBER, index)
        yield from _in_enum(enum, file, enum.name, place)
    for index, service in enumerate(file.service):
        place = (FileDescriptorProto.SERVICE_FIELD_NUMBER, index)
        yield "service", service.name, service, file, place
        for number, rpc in enumerate(service.method):
            yield "rpc", f"{service.name}.{rpc.name}", rpc, service, (*place, 2, number)


def _in_message(
    message: DescriptorProto, parent: Any, name: str, place: Place
) -> Iterator[_Declaration]:
    if message.options.map_entry:  # protoc's own, for a map field
        return
    yield "message", name, message, parent, place
    numbers = DescriptorProto
    for index, field in enumerate(message.field):
        at = (*place, numbers.FIELD_FIELD_NUMBER, index)
        yield "field", f"{name}.{field.name}", field, message, at
    synthetic = {field.oneof_index for field in message.field if field.proto3_optional}
    for index, oneof in enumerate(message.oneof_decl):
        if index not in synthetic:
            at = (*place, numbers.ONEOF_DECL_FIELD_NUMBER, index)
            yield "oneof", f"{name}.{oneof.name}", oneof, message, at
    for index, nested in enumerate(message.nested_type):
        at = (*place, numbers.NESTED_TYPE_FIELD_NUMBER, index)
        yield from _in_message(nested, message, f"{name}.{nested.name}", at)
    for index, enum in enumerate(message.enum_type):
        at = (*place, numbers.ENUM_TYPE_FIELD_NUMBER, index)
        yield from _in_enum(enum, message, f"{name}.{enum.name}", at)


def _in_enum(
    enum: EnumDescriptorProto, parent: Any, name: str, place: Place
) -> Iterator[_Declaration]:
    yield "enum", name, enum, parent, place
    for index, value in enumerate(enum.value):
        at = (*place, EnumDescriptorProto.VALUE_FIELD_NUMBER, index)
        yield "value", f"{name}.{value.name}", value, enum, at
