"""
Secrets by reference: where a value is kept, never the value itself, stands in the settings.

Theory of operation.  A reference is a scheme and a name: `{env="NAME"}`, `{file="/path"}`.  A
provider knows one scheme, and answers two questions: whether the value may have changed since,
which must be cheap, and what it is.  Both are asked on the event loop, once a second at most
(`reloading.py`), so neither may wait.  A provider of secrets from a network (Vault, a cloud's
manager) keeps the last value itself, renewed by a task of its own, and answers from memory; an
agent that writes a file needs no provider at all.

A value is bytes: a key, a token, a document.  It is in no repr and cannot be pickled or copied.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Protocol

from toolcell_server.hidden import Hidden

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

MAXIMUM_BYTES: Final = 2**20  # far above any key, token or set of keys


class SecretUnavailable(Exception):  # noqa: N818  # names what happened
    """
    Raised when what a reference names is not there or cannot be read; the text holds no value.
    """


class SecretValue(Hidden[bytes]):
    """
    What a reference leads to.
    """

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Reference:
    """
    Where a secret is kept.  `scheme` names the provider, `name` what is asked of it.
    """

    scheme: str
    name: str

    def __str__(self) -> str:
        return f"{self.scheme} {self.name}"


class Provider(Protocol):
    """
    Where secrets of one scheme come from.
    """

    def version(self, name: str) -> Hashable:
        """
        What differs from the last answer if the value may have changed.  Must not wait.

        Raises:
            SecretUnavailable: there is none of that name.
        """
        ...

    def read(self, name: str) -> SecretValue:
        """
        The value as it is now.  Must not wait.

        Raises:
            SecretUnavailable: it cannot be read.
        """
        ...


class FromEnvironment:
    """
    Variables of this process's environment, which nobody changes while it runs.
    """

    def version(self, name: str) -> Hashable:
        return os.environ.get(name)

    def read(self, name: str) -> SecretValue:
        value = os.environ.get(name, "")
        if not value:
            raise SecretUnavailable(f"the environment variable {name} is not set")
        return SecretValue(value.encode("utf-8", "surrogateescape"))


class FromFile:
    """
    Files.  A replaced file has another inode, a rewritten one another time or size (stat(2)); a
    link that is switched over, as Kubernetes mounts secrets, is followed.
    """

    def version(self, name: str) -> Hashable:
        try:
            found = os.stat(name)  # noqa: PTH116  # asked once a second
        except (OSError, ValueError) as exc:
            raise SecretUnavailable(f"{name} cannot be read: {_why(exc)}") from None
        if not stat.S_ISREG(found.st_mode):
            raise SecretUnavailable(f"{name} is not a file")
        return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size

    def read(self, name: str) -> SecretValue:
        self.version(name)  # a FIFO would keep us waiting
        try:
            with Path(name).open("rb") as file:
                value = file.read(MAXIMUM_BYTES + 1)
        except OSError as exc:
            raise SecretUnavailable(f"{name} cannot be read: {_why(exc)}") from None
        if not value.strip():
            raise SecretUnavailable(f"{name} is empty")
        if len(value) > MAXIMUM_BYTES:
            raise SecretUnavailable(f"{name} has more than {MAXIMUM_BYTES} bytes")
        return SecretValue(value)


PROVIDERS: Final[Mapping[str, Provider]] = MappingProxyType(
    {"env": FromEnvironment(), "file": FromFile()}
)


def _why(error: OSError | ValueError) -> str:
    return (error.strerror or "") if isinstance(error, OSError) else "is no path"
