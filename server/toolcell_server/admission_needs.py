"""
What admission needs of others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Awaitable

    from toolcell_server.grants import Grant, OpenedMount
    from toolcell_server.principal import Principal
    from toolcell_server.tool import Tool
    from toolcell_server.wanted import Wanted


class Tools(Protocol):
    """
    Where tools are found.
    """

    def find_callable(self, name: str, version: str, principal: Principal, /) -> Tool:
        """
        Raises:
            NotPermitted: it is not for this caller, whether or not there is one.
            SwitchedOff: the operator switched it off.
            ToolBroken: it does not load.
            UnknownTool: there is none; carries close matches.
        """
        ...


class Opener(Protocol):
    """
    Opens what a grant names.
    """

    def __call__(
        self, grant: Grant, bundle: str, resources: contextlib.ExitStack
    ) -> Awaitable[tuple[OpenedMount, ...]]:
        """
        Every path of the grant that exists, in its order, for a cell of that bundle.  What is
        opened is given back when `resources` are closed, on an error too.

        Raises:
            PathNotAllowed: a path is a link, lies behind one, or cannot be opened.
        """
        ...


class Places(Protocol):
    """
    Where an execution can run.
    """

    def reserve(self, execution_id: str, wanted: Wanted, /) -> None:
        """
        Raises:
            NoCapacity: none is free, and this one cannot wait.
        """
        ...

    def release(self, execution_id: str, /) -> None:
        """
        Give a place back.  It does nothing where there is none.
        """
        ...
