"""
buf's rules on files, packages and imports.
"""

from __future__ import annotations

import importlib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from protolint.contract import SYNTAX, comments, elements
from protolint.spelling import LOWER_SNAKE, VERSION, Complaints, Files, Rule

if TYPE_CHECKING:
    from google.protobuf.descriptor_pb2 import FileDescriptorProto


def one_option(name: str) -> Rule:
    """
    The rule that the files of a package agree on an option.
    """

    def rule(files: Files) -> Complaints:
        for package in {file.package for file in files}:
            inside = [file for file in files if file.package == package]
            values = {getattr(file.options, name) for file in inside}
            if len(values) > 1:
                yield f"{package}: {values}"

    return rule


def directory(file: FileDescriptorProto) -> str:
    return str(PurePosixPath(file.name).parent)


def directory_same_package(files: Files) -> Complaints:
    for folder in {directory(file) for file in files}:
        if len({file.package for file in files if directory(file) == folder}) > 1:
            yield folder


def package_same_directory(files: Files) -> Complaints:
    for package in {file.package for file in files}:
        if len({directory(file) for file in files if file.package == package}) > 1:
            yield package


def package_defined(files: Files) -> Complaints:
    return (file.name for file in files if not file.package)


def package_directory_match(files: Files) -> Complaints:
    return (file.name for file in files if directory(file) != file.package.replace(".", "/"))


def package_no_import_cycle(files: Files) -> Complaints:
    package = {file.name: file.package for file in files}
    imports: dict[str, set[str]] = {name: set() for name in package.values()}
    for file in files:
        imports[file.package] |= {package[name] for name in file.dependency if name in package}
        imports[file.package].discard(file.package)
    while leaves := [name for name, needs in imports.items() if not needs & imports.keys()]:
        for name in leaves:
            del imports[name]
    return iter(imports)


def package_lower_snake_case(files: Files) -> Complaints:
    for file in files:
        if not all(LOWER_SNAKE.fullmatch(part) for part in file.package.split(".")):
            yield file.package


def package_version_suffix(files: Files) -> Complaints:
    return (
        file.package for file in files if not VERSION.fullmatch(file.package.rpartition(".")[2])
    )


def file_lower_snake_case(files: Files) -> Complaints:
    for file in files:
        if not LOWER_SNAKE.fullmatch(PurePosixPath(file.name).stem):
            yield file.name


def syntax_specified(files: Files) -> Complaints:
    return (file.name for file in files if SYNTAX not in comments(file))


def import_no_public(files: Files) -> Complaints:
    return (file.name for file in files if file.public_dependency)


def import_used(files: Files) -> Complaints:
    for file in files:
        used = {field.declared.type_name for field in elements([file], "field")}
        for rpc in elements([file], "rpc"):
            used |= {rpc.declared.input_type, rpc.declared.output_type}
        for name in file.dependency:
            if not used & _declares(name, files):
                yield f"{file.name} imports {name}"


def _declares(name: str, files: Files) -> set[str]:
    """
    Full names of the types of an imported file: one of ours, or one whose stubs are installed.
    """
    for file in files:
        if file.name == name:
            return {f".{file.package}.{each.name}" for each in elements([file], "message", "enum")}
    stubs = importlib.import_module(name.removesuffix(".proto").replace("/", ".") + "_pb2")
    return {f".{message.full_name}" for message in stubs.DESCRIPTOR.message_types_by_name.values()}


def protovalidate(files: Files) -> Complaints:
    """
    The annotations of buf are not checked here: there are none, and who adds one must run buf.
    """
    for file in files:
        if any(name.startswith("buf/validate/") for name in file.dependency):
            yield file.name
