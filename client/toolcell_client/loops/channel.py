"""
A bounded queue between threads that can be closed under whoever waits at it.

Theory of operation.  `queue.Queue` cannot be closed (before Python 3.13), so a thread that waits to
put would outlive its reader.  Whoever waits here wakes up when it is closed, and goes.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Channel(Generic[Item]):
    """
    Holds at most `room` items; those that must not wait (`force`) beyond that.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._items: deque[Item] = deque()
        self._changed = threading.Condition()
        self._closed = False

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: Item, *, force: bool = False) -> bool:
        """
        Wait for room and put.

        Returns: False, if nobody will take it: the channel is closed.
        """
        with self._changed:
            self._changed.wait_for(lambda: force or self._closed or len(self._items) < self._room)
            if self._closed:
                return False
            self._items.append(item)
            self._changed.notify_all()
            return True

    def take(self) -> Item:
        """
        Wait for an item.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._items)
            return self._take()

    def poll(self) -> Item | None:
        """
        An item, if there is one now.
        """
        with self._changed:
            return self._take() if self._items else None

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _take(self) -> Item:
        item = self._items.popleft()
        self._changed.notify_all()
        return item
