"""
How names in a contract are spelled, and what a rule is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from google.protobuf.descriptor_pb2 import FileDescriptorProto

from protolint.contract import elements

Files = Sequence[FileDescriptorProto]
Complaints = Iterator[str]
Rule = Callable[[Files], Complaints]  # from the files to the names of what breaks the rule

PASCAL = re.compile(r"[A-Z][a-zA-Z0-9]*")
LOWER_SNAKE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
UPPER_SNAKE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")
VERSION = re.compile(r"v[1-9]\d*(p[1-9]\d*)?((alpha|beta)([1-9]\d*)?)?|v[1-9]\d*test\w*")


def upper_snake(pascal: str) -> str:
    """
    EXECUTION_STATE for ExecutionState.
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", pascal).upper()


def spelled(pattern: re.Pattern[str], *kinds: str) -> Rule:
    """
    The rule that the names of these kinds of element match a pattern.
    """

    def rule(files: Files) -> Complaints:
        for element in elements(files, *kinds):
            if not pattern.fullmatch(element.declared.name):
                yield element.name

    return rule
