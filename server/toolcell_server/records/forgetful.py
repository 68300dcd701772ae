"""
A server without a `state_dir`: nothing of its executions outlives it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from toolcell_server.idempotency import Scope
    from toolcell_server.listing import Narrowing
    from toolcell_server.record import Record
    from toolcell_server.records.bygone import Bygone


class Remembers(Protocol):
    """
    Keeps starts and endings; see `remembering.py`.
    """

    @property
    def last_number(self) -> int: ...

    def begin(self, record: Record, fingerprint: bytes, *, repeatable: bool) -> None: ...

    def end(self, record: Record) -> None: ...

    def find(self, scope: Scope, fingerprint: bytes) -> Bygone | None: ...

    def get(self, execution_id: str) -> Bygone | None: ...

    def newest_first(self, narrowing: Narrowing, without: Container[int]) -> Iterable[Bygone]: ...

    def close(self) -> None: ...


class Forgetful:
    """
    Keeps nothing.
    """

    last_number = 0

    def begin(self, record: Record, fingerprint: bytes, *, repeatable: bool) -> None:
        pass

    def end(self, record: Record) -> None:
        pass

    def find(self, scope: Scope, fingerprint: bytes) -> None:  # noqa: ARG002
        return None

    def get(self, execution_id: str) -> None:  # noqa: ARG002
        return None

    def newest_first(
        self,
        narrowing: Narrowing,  # noqa: ARG002
        without: Container[int],  # noqa: ARG002
    ) -> Iterable[Bygone]:
        return ()

    def close(self) -> None:
        pass
