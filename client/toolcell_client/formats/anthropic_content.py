"""
The content of one Anthropic message: its blocks, and which of its calls are whole.  Pure.

Theory of operation.  A model writes one block after another.  Where it is cut off, by `max_tokens`
or by a lost connection, the block that it was writing is half, and it still gets its
`content_block_stop`; its input may even be an object, as the provider closes what is open.  So a
`tool_use` block is whole when it has stopped and either another block has started after it, or the
message has stopped for a reason that cuts nothing.  Until then it is not handed out.

The provider refuses a history in which a `tool_use` has no result in the next message.  So a call
with a problem goes back with the others, and is answered as they are.  Of the calls beyond the
bound (`pieces.CALLS`) the first is answered for all, and the rest is left out of both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_client.formats.anthropic_block import Block, Rooms
from toolcell_client.formats.pieces import CALLS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from toolcell_client.formats.turns import Problem, RawCall

CALL = "tool_use"  # `server_tool_use` runs at the provider
BLOCKS = 4096  # arbitrary; above what any model writes in one response


class Content:
    """
    Blocks by their index, in the order in which they started.
    """

    def __init__(self) -> None:
        self._rooms = Rooms()
        self._blocks: dict[int, Block] = {}
        self._ids: set[str] = set()
        self._calls = 0

    def start(self, index: object, start: object) -> list[str | RawCall]:
        """
        A block starts; those before it are whole.
        """
        if not isinstance(index, int) or not isinstance(start, dict) or index in self._blocks:
            return []
        if len(self._blocks) >= BLOCKS or (start.get("type") == CALL and self._calls > CALLS):
            return []
        whole = self.release()
        block = self._blocks[index] = Block(start, self._rooms)
        if block.kind == CALL:
            self._count(block)
        said = block.opening(start)
        return [*whole, said] if said else list(whole)

    def _count(self, block: Block) -> None:
        block.surplus = self._calls == CALLS
        self._calls += 1
        call_id = block.call().call_id
        block.repeated = call_id in self._ids
        if call_id:
            self._ids.add(call_id)

    def grow(self, index: object, delta: object) -> str:
        """
        A delta of a block; returns what the model says with it.
        """
        block = self._blocks.get(index) if isinstance(index, int) else None
        return block.grow(delta) if block is not None and isinstance(delta, dict) else ""

    def stop(self, index: object) -> None:
        """
        No more of that block comes.
        """
        if isinstance(index, int) and index in self._blocks:
            self._blocks[index].stopped = True

    def release(self) -> list[RawCall]:
        """
        Calls that have stopped and were not handed out: the caller knows that nothing was cut.
        """
        whole = []
        for block in self._blocks.values():
            if block.kind == CALL and block.stopped and not block.released:
                block.released = True
                whole.append(block.call())
        return [each for each in whole if each.problem is None]

    def text(self) -> str:
        """
        What the model says.
        """
        return "".join(block.text for block in self._blocks.values())

    def calls(self, cut: Problem) -> Iterator[RawCall]:
        """
        All calls; those that are not whole have this problem.
        """
        for block in self._blocks.values():
            if block.kind == CALL:
                yield block.call(None if block.released else cut)

    def messages(self) -> tuple[dict[str, Any], ...]:
        """
        The one message that goes back; none where nothing would be in it.
        """
        sent = [block.sent_back() for block in self._blocks.values()]
        content: list[Mapping[str, Any]] = [each for each in sent if each is not None]
        return ({"role": "assistant", "content": content},) if content else ()
