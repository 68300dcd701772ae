"""
The committed stubs are those of the .proto files, whatever generator is at hand.
"""

from __future__ import annotations

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from protolint.contract import compiled, elements
from toolcell.v1 import (
    approval_pb2,
    execution_pb2,
    host_pb2,
    registry_pb2,
    statistics_pb2,
    workflow_pb2,
)

COMMITTED = (approval_pb2, execution_pb2, host_pb2, registry_pb2, statistics_pb2, workflow_pb2)
STUBS = {stubs.DESCRIPTOR.name: stubs.DESCRIPTOR for stubs in COMMITTED}


def bare(file: FileDescriptorProto) -> FileDescriptorProto:
    """
    Without what protoc leaves out of stubs: comments and the JSON names that it can derive.
    """
    file.ClearField("source_code_info")
    for element in elements([file], "field"):
        element.declared.ClearField("json_name")
    for message in file.message_type:
        for entry in message.nested_type:
            for field in entry.field:
                field.ClearField("json_name")
    return file


def test_every_proto_file_has_stubs() -> None:
    """
    A file that was forgotten here would never be compared.
    """
    assert set(STUBS) == {file.name for file in compiled()}


@pytest.mark.parametrize("name", STUBS)
def test_stubs_describe_what_the_proto_file_says(name: str) -> None:
    """
    Server and client speak what the stubs say; everyone else, what the .proto file says.
    """
    [file] = [file for file in compiled() if file.name == name]
    ours = FileDescriptorProto()
    STUBS[name].CopyToProto(ours)

    assert bare(file) == bare(ours)


@pytest.mark.parametrize("name", STUBS)
def test_the_rules_see_every_element(name: str) -> None:
    """
    A walk that misses an element would let it break any rule.
    """
    [file] = [file for file in compiled() if file.name == name]
    stubs = STUBS[name]
    messages = stubs.message_types_by_name.values()
    enums = stubs.enum_types_by_name.values()
    services = stubs.services_by_name.values()
    expected = {
        "message": len(messages),
        "field": sum(len(message.fields) for message in messages),
        "enum": len(enums),
        "value": sum(len(enum.values) for enum in enums),
        "service": len(services),
        "rpc": sum(len(service.methods) for service in services),
    }

    assert expected == {kind: len(list(elements([file], kind))) for kind in expected}
