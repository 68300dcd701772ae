"""
Questions to the person at a graph of LangGraph, and what the graph is resumed with.

Theory of operation.  LangGraph matches answers to questions by their order: the first `interrupt`
of a node that begins again gets the first answer.  Calls of one response may run in one node, in
threads, so their order is nobody's: a yes to one call would let another run.  Hence an answer names
its call, a bare yes is refused, and whichever call is handed an answer puts it where the call that
it is for finds it.

A node begins again with all of its calls, those that have run among them.  What names the node's
task names the turn, too (see `loops.planning`): the server then replays what has run, and runs
nothing twice.
"""

from __future__ import annotations

import sys
import threading
from collections import OrderedDict
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from toolcell_client.loops.approving import Approve, Decision, Deny

try:
    from langchain_core.runnables.config import ensure_config
except ImportError as exc:
    from toolcell_client.frameworks.missing import missing

    raise missing("langchain", "langchain", exc) from exc

if TYPE_CHECKING:
    from toolcell_client.frameworks.one_call import OneCall

# Keys of LangGraph's configuration, which it has no public names for: who keeps checkpoints, what a
# node that may be interrupted has, and the name of its task, which stays when it begins again.
CHECKPOINTS, INTERRUPTIBLE = "__pregel_checkpointer", "__pregel_scratchpad"
TASK = "checkpoint_ns"
MOST = 1_000  # arbitrary; answers that no call has taken yet
REMEDY = 'resume the graph with {call_id: True} or {call_id: {"approve": False, "reason": "…"}}'


def task_name() -> str:
    """
    The name of the node's task, if this is inside a graph that keeps checkpoints; else "".
    """
    # Inside a graph LangGraph has been loaded; who has only LangChain has no graph.
    if "langgraph" not in sys.modules:
        return ""
    settings = ensure_config().get("configurable", {})
    if not settings.get(CHECKPOINTS) or INTERRUPTIBLE not in settings:
        return ""
    return str(settings.get(TASK, ""))


class Answers:
    """
    Answers by task and call.  Safe to use from many threads.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], Decision] = OrderedDict()
        self._lock = threading.Lock()

    def to(self, call: OneCall, task: str) -> Decision:
        """
        What was said about this call.

        Raises:
            GraphInterrupt: nothing yet.
            TypeError: the graph was resumed with what is no answer; nothing ran.
        """
        from langgraph.types import interrupt

        key = (task, call.planned.key)
        with self._lock:
            while key not in self._known:
                for name, decision in answers(interrupt(question(call))).items():
                    self._known[task, name] = decision
                while len(self._known) > MOST:
                    self._known.popitem(last=False)
            return self._known.pop(key)


def question(call: OneCall) -> dict[str, Any]:
    """
    What the graph is interrupted with: plain, for a checkpoint, and without the token.
    """
    assert call.question is not None
    asked = asdict(call.question)
    asked["call"] = {
        "call_id": call.planned.key,
        "tool": call.planned.call.tool,
        "arguments": call.planned.call.arguments,
    }
    return asked


def answers(said: object) -> dict[str, Decision]:
    """
    Raises:
        TypeError: it is no answer.
    """
    if not isinstance(said, dict):
        raise TypeError(f"{REMEDY}, not {said!r:.80}: an answer has to name its call")
    return {str(name): _decision(each) for name, each in said.items()}


def _decision(said: object) -> Decision:
    reason = said.get("reason", "") if isinstance(said, dict) else ""
    yes = said.get("approve") if isinstance(said, dict) else said
    if not isinstance(yes, bool) or not isinstance(reason, str):
        raise TypeError(f"{REMEDY}, not {said!r:.80}")
    return Approve() if yes else Deny(reason)
