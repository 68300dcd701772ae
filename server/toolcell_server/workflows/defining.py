"""
The definitions of principals: defined, found, deleted.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from toolcell_server import principal
from toolcell_server.refusals import TooManyWorkflows, UnknownWorkflow, WorkflowInvalid
from toolcell_server.storing import storing
from toolcell_server.workflows.definitions_store import Kept

if TYPE_CHECKING:
    from toolcell_server.workflows.definition import Definition
    from toolcell_server.workflows.definitions_store import DefinitionsStore
    from toolcell_server.workflows.recording import Recording


class Defining:
    """
    The definitions of whoever `principal.current()` is.
    """

    def __init__(self, store: DefinitionsStore, recording: Recording, most: int) -> None:
        self._store = store
        self._recording = recording
        self._most = most

    def define(self, found: Definition, data: bytes) -> Kept:
        """
        Keep a definition that has been checked.

        Raises:
            StoreFailed: it cannot be kept.
            TooManyWorkflows: the caller has as many as one may have.
            WorkflowInvalid: it has no name.
        """
        caller = principal.current()
        if not found.name:
            raise WorkflowInvalid([("/name", "NO_NAME: what is kept needs a name")])
        with storing("keep a workflow"):
            newest = self._store.newest(caller.name, found.name)
            if newest is not None and newest.deleted is None and newest.definition == data:
                return newest
            if self._store.count(caller.name) >= self._most:
                raise TooManyWorkflows("definitions, old versions included", self._most)
            version = newest.version + 1 if newest else 1
            described = found.description
            kept = Kept(caller.name, found.name, version, described, data, time.time_ns())
            self._store.add(kept)
        self._recording.defined(kept, caller)
        return kept

    def get(self, name: str, version: int) -> Kept:
        """
        Raises:
            StoreFailed: nobody can tell.
            UnknownWorkflow: there is none.
        """
        owner = principal.current().name
        with storing("look a workflow up"):
            if version:
                found = self._store.get(owner, name, version)
            else:
                found = self._store.newest(owner, name)
                found = None if found and found.deleted is not None else found
        if found is None:
            raise UnknownWorkflow(name)
        return found

    def runnable(self, name: str, version: int) -> Kept:
        """
        As `get`, but nothing that was deleted.
        """
        found = self.get(name, version)
        if found.deleted is not None:
            raise UnknownWorkflow(name)
        return found

    def delete(self, name: str) -> Kept:
        """
        Raises:
            StoreFailed: it cannot be deleted.
            UnknownWorkflow: there is none.
        """
        newest, caller = self.get(name, 0), principal.current()
        with storing("delete a workflow"):
            self._store.delete(caller.name, name, now := time.time_ns())
        self._recording.defined(newest, caller, "deleted")
        return newest._replace(deleted=now)

    def page(self, after: str, maximum: int) -> list[Kept]:
        with storing("list workflows"):
            return self._store.page(principal.current().name, after, maximum)
