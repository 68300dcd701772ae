"""
The contract obeys buf's STANDARD rules and our own, and each rule is one that can be broken.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from protolint import buf, ours
from protolint.contract import compiled, elements

if TYPE_CHECKING:
    from collections.abc import Callable

RULES = buf.RULES | ours.RULES
Files = list[FileDescriptorProto]


@cache
def contract() -> Files:
    return compiled()


def copy_of_contract() -> Files:
    """
    The contract, for a test to break.  The order of its files is that of their names.
    """
    return [FileDescriptorProto.FromString(file.SerializeToString()) for file in contract()]


def rename(kind: str, name: str) -> Callable[[Files], None]:
    def breaking(files: Files) -> None:
        next(elements(files, kind)).declared.name = name

    return breaking


def let(attribute: str, value: Any) -> Callable[[Files], None]:
    """
    Give the first file another value.
    """

    def breaking(files: Files) -> None:
        setattr(files[0], attribute, value)

    return breaking


def option(name: str, value: object) -> Callable[[Files], None]:
    def breaking(files: Files) -> None:
        setattr(files[0].options, name, value)

    return breaking


def uncomment(kind: str) -> Callable[[Files], None]:
    """
    Remove the first comment of a kind of element.
    """

    def breaking(files: Files) -> None:
        comment = next(elements(files, kind)).comment
        for file in files:
            for location in file.source_code_info.location:
                if location.leading_comments.strip() == comment:
                    location.leading_comments = " \n"

    return breaking


def reword(old: str, new: str) -> Callable[[Files], None]:
    def breaking(files: Files) -> None:
        for file in files:
            for location in file.source_code_info.location:
                location.leading_comments = location.leading_comments.replace(old, new)

    return breaking


def import_in_a_circle(files: Files) -> None:
    other = FileDescriptorProto(name="other/v1/other.proto", package="other.v1")
    other.dependency.append(files[0].name)
    files[0].dependency.append(other.name)
    files.append(other)


def import_publicly(files: Files) -> None:
    files[0].public_dependency.append(0)


def import_for_nothing(files: Files) -> None:
    files[0].dependency.append("google/protobuf/empty.proto")


def import_annotations(files: Files) -> None:
    files[0].dependency.append("buf/validate/validate.proto")


def start_from_one(files: Files) -> None:
    next(elements(files, "enum")).declared.value[0].number = 1


def allow_alias(files: Files) -> None:
    next(elements(files, "enum")).declared.options.allow_alias = True


def require_field(files: Files) -> None:
    next(elements(files, "field")).declared.label = FieldDescriptorProto.LABEL_REQUIRED


def forget_syntax(files: Files) -> None:
    kept = [location for location in files[0].source_code_info.location if location.path != [12]]
    del files[0].source_code_info.location[:]
    files[0].source_code_info.location.extend(kept)


def share_a_response(files: Files) -> None:
    first, second = list(elements(files, "rpc"))[:2]
    first.declared.output_type = second.declared.output_type


def take_another_request(files: Files) -> None:
    next(elements(files, "rpc")).declared.input_type = ".toolcell.v1.Execution"


def renumber_a_twin(files: Files) -> None:
    run = next(each for each in elements(files, "message") if each.name == "RunRequest")
    run.declared.field[-1].number += 1


BREAKAGES: dict[str, Callable[[Files], None]] = {
    "DIRECTORY_SAME_PACKAGE": let("package", "other.v1"),
    "PACKAGE_DEFINED": let("package", ""),
    "PACKAGE_DIRECTORY_MATCH": let("name", "toolcell/v2/execution.proto"),
    "PACKAGE_NO_IMPORT_CYCLE": import_in_a_circle,
    "PACKAGE_SAME_DIRECTORY": let("name", "toolcell/v2/execution.proto"),
    "ENUM_FIRST_VALUE_ZERO": start_from_one,
    "ENUM_NO_ALLOW_ALIAS": allow_alias,
    "ENUM_PASCAL_CASE": rename("enum", "Tool_state"),
    "ENUM_VALUE_UPPER_SNAKE_CASE": rename("value", "EXECUTION_STATE_unspecified"),
    "FIELD_LOWER_SNAKE_CASE": rename("field", "toolName"),
    "FIELD_NOT_REQUIRED": require_field,
    "IMPORT_NO_PUBLIC": import_publicly,
    "IMPORT_USED": import_for_nothing,
    "MESSAGE_PASCAL_CASE": rename("message", "execute_request"),
    "ONEOF_LOWER_SNAKE_CASE": rename("oneof", "theEvent"),
    "PACKAGE_LOWER_SNAKE_CASE": let("package", "toolCell.v1"),
    "PACKAGE_SAME_CSHARP_NAMESPACE": option("csharp_namespace", "A"),
    "PACKAGE_SAME_GO_PACKAGE": option("go_package", "a"),
    "PACKAGE_SAME_JAVA_MULTIPLE_FILES": option("java_multiple_files", value=True),
    "PACKAGE_SAME_JAVA_PACKAGE": option("java_package", "a"),
    "PACKAGE_SAME_PHP_NAMESPACE": option("php_namespace", "A"),
    "PACKAGE_SAME_RUBY_PACKAGE": option("ruby_package", "A"),
    "PACKAGE_SAME_SWIFT_PREFIX": option("swift_prefix", "A"),
    "RPC_PASCAL_CASE": rename("rpc", "execute_tool"),
    "SERVICE_PASCAL_CASE": rename("service", "tool_Service"),
    "SYNTAX_SPECIFIED": forget_syntax,
    "ENUM_VALUE_PREFIX": rename("value", "STATE_UNSPECIFIED"),
    "ENUM_ZERO_VALUE_SUFFIX": rename("value", "EXECUTION_STATE_NONE"),
    "FILE_LOWER_SNAKE_CASE": let("name", "toolcell/v1/Execution.proto"),
    "PACKAGE_VERSION_SUFFIX": let("package", "toolcell.first"),
    "PROTOVALIDATE": import_annotations,
    "RPC_REQUEST_RESPONSE_UNIQUE": share_a_response,
    "RPC_REQUEST_STANDARD_NAME": take_another_request,
    "RPC_RESPONSE_STANDARD_NAME": share_a_response,
    "SERVICE_SUFFIX": rename("service", "ToolExecution"),
    "COMMENT_SERVICE": uncomment("service"),
    "COMMENT_RPC": uncomment("rpc"),
    "COMMENT_MESSAGE": uncomment("message"),
    "COMMENT_FIELD": uncomment("field"),
    "COMMENT_ONEOF": uncomment("oneof"),
    "COMMENT_ENUM": uncomment("enum"),
    "COMMENT_ENUM_VALUE": uncomment("value"),
    "RPC_STATUS_CODES": reword("* NOT_FOUND:", "* MISSING:"),
    "SERVICE_STATUS_CODES": uncomment("service"),
    "TWINS": renumber_a_twin,
}


@pytest.mark.parametrize("name", RULES)
def test_the_contract_obeys(name: str) -> None:
    """
    A checker that users run over our .proto must find nothing.
    """
    assert [] == list(RULES[name](contract()))


@pytest.mark.parametrize("name", RULES)
def test_a_broken_contract_is_found_out_by(name: str) -> None:
    """
    A rule that never complains proves nothing.
    """
    broken = copy_of_contract()
    BREAKAGES[name](broken)

    assert list(RULES[name](broken))


def test_an_rpc_that_lists_no_status_code_is_found_out() -> None:
    """
    The rule has a second way to be broken: bullets that are not there at all.
    """
    broken = copy_of_contract()
    uncomment("rpc")(broken)

    assert "ToolExecutionService.Execute lists no status code" in list(
        ours.rpc_status_codes(broken)
    )
