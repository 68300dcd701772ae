"""
The rules of buf's STANDARD category, over descriptors.

Each rule is a function from the files to its complaints; `RULES` holds them by buf's own names.
Source: the rules' documentation and bufcheckserver of bufbuild/buf.
"""

from __future__ import annotations

from collections import Counter

from google.protobuf.descriptor_pb2 import FieldDescriptorProto

from protolint import packages
from protolint.contract import elements
from protolint.spelling import (
    LOWER_SNAKE,
    PASCAL,
    UPPER_SNAKE,
    Complaints,
    Files,
    Rule,
    spelled,
    upper_snake,
)


def enum_first_value_zero(files: Files) -> Complaints:
    return (each.name for each in elements(files, "enum") if each.declared.value[0].number != 0)


def enum_no_allow_alias(files: Files) -> Complaints:
    return (each.name for each in elements(files, "enum") if each.declared.options.allow_alias)


def enum_value_prefix(files: Files) -> Complaints:
    for value in elements(files, "value"):
        if not value.declared.name.startswith(f"{upper_snake(value.parent.name)}_"):
            yield value.name


def enum_zero_value_suffix(files: Files) -> Complaints:
    for value in elements(files, "value"):
        if value.declared.number == 0 and not value.declared.name.endswith("_UNSPECIFIED"):
            yield value.name


def field_not_required(files: Files) -> Complaints:
    required = FieldDescriptorProto.LABEL_REQUIRED
    return (each.name for each in elements(files, "field") if each.declared.label == required)


def rpc_request_response_unique(files: Files) -> Complaints:
    rpcs = list(elements(files, "rpc"))
    types: Counter[str] = Counter()
    for rpc in rpcs:
        types.update([rpc.declared.input_type, rpc.declared.output_type])
    return (name for name, count in types.items() if count > 1)


def standard_name(suffix: str, field: str) -> Rule:
    """
    The rule that GetTool takes a GetToolRequest and returns a GetToolResponse.
    """

    def rule(files: Files) -> Complaints:
        for rpc in elements(files, "rpc"):
            name = rpc.declared.name
            expected = {f"{name}{suffix}", f"{rpc.parent.name}{name}{suffix}"}
            if getattr(rpc.declared, field).rpartition(".")[2] not in expected:
                yield rpc.name

    return rule


def service_suffix(files: Files) -> Complaints:
    return (each.name for each in elements(files, "service") if not each.name.endswith("Service"))


RULES: dict[str, Rule] = {
    # MINIMAL
    "DIRECTORY_SAME_PACKAGE": packages.directory_same_package,
    "PACKAGE_DEFINED": packages.package_defined,
    "PACKAGE_DIRECTORY_MATCH": packages.package_directory_match,
    "PACKAGE_NO_IMPORT_CYCLE": packages.package_no_import_cycle,
    "PACKAGE_SAME_DIRECTORY": packages.package_same_directory,
    # BASIC
    "ENUM_FIRST_VALUE_ZERO": enum_first_value_zero,
    "ENUM_NO_ALLOW_ALIAS": enum_no_allow_alias,
    "ENUM_PASCAL_CASE": spelled(PASCAL, "enum"),
    "ENUM_VALUE_UPPER_SNAKE_CASE": spelled(UPPER_SNAKE, "value"),
    "FIELD_LOWER_SNAKE_CASE": spelled(LOWER_SNAKE, "field"),
    "FIELD_NOT_REQUIRED": field_not_required,
    "IMPORT_NO_PUBLIC": packages.import_no_public,
    "IMPORT_USED": packages.import_used,
    "MESSAGE_PASCAL_CASE": spelled(PASCAL, "message"),
    "ONEOF_LOWER_SNAKE_CASE": spelled(LOWER_SNAKE, "oneof"),
    "PACKAGE_LOWER_SNAKE_CASE": packages.package_lower_snake_case,
    "PACKAGE_SAME_CSHARP_NAMESPACE": packages.one_option("csharp_namespace"),
    "PACKAGE_SAME_GO_PACKAGE": packages.one_option("go_package"),
    "PACKAGE_SAME_JAVA_MULTIPLE_FILES": packages.one_option("java_multiple_files"),
    "PACKAGE_SAME_JAVA_PACKAGE": packages.one_option("java_package"),
    "PACKAGE_SAME_PHP_NAMESPACE": packages.one_option("php_namespace"),
    "PACKAGE_SAME_RUBY_PACKAGE": packages.one_option("ruby_package"),
    "PACKAGE_SAME_SWIFT_PREFIX": packages.one_option("swift_prefix"),
    "RPC_PASCAL_CASE": spelled(PASCAL, "rpc"),
    "SERVICE_PASCAL_CASE": spelled(PASCAL, "service"),
    "SYNTAX_SPECIFIED": packages.syntax_specified,
    # STANDARD
    "ENUM_VALUE_PREFIX": enum_value_prefix,
    "ENUM_ZERO_VALUE_SUFFIX": enum_zero_value_suffix,
    "FILE_LOWER_SNAKE_CASE": packages.file_lower_snake_case,
    "PACKAGE_VERSION_SUFFIX": packages.package_version_suffix,
    "PROTOVALIDATE": packages.protovalidate,
    "RPC_REQUEST_RESPONSE_UNIQUE": rpc_request_response_unique,
    "RPC_REQUEST_STANDARD_NAME": standard_name("Request", "input_type"),
    "RPC_RESPONSE_STANDARD_NAME": standard_name("Response", "output_type"),
    "SERVICE_SUFFIX": service_suffix,
}
