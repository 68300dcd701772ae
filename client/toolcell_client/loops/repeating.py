"""
Notices a model that sends the same call again and again, and gets the same error.  Pure.

Theory of operation.  Equal are tool and arguments, whatever their order, and the kind of error; its
text may hold ids and times.  The model is told before it is stopped: one hint, in the answer before
the last.  A call that works in between begins the count anew.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from toolcell_client.formats.turns import Answer

HINT = "This same call has failed in the same way {} times. Change it, or go on without it."


class Repeating:
    """
    Counts the failures of one message; `too_often` once one has happened `most` times.
    """

    def __init__(self, most: int | None) -> None:
        self._most = most
        self._counts: dict[str, tuple[str, int]] = {}
        self.too_often = False

    def seen(self, answer: Answer) -> Answer:
        """
        The answer, with a hint if the model had better change its mind.
        """
        call = answer.call
        written = call.arguments if call.problem is None else call.raw.arguments
        key = f"{call.raw.name} {json.dumps(written, sort_keys=True, default=str)}"
        if not answer.failed:
            self._counts.pop(key, None)
            return answer
        value = answer.value if isinstance(answer.value, dict) else {}
        error = str(value.get("error", ""))
        before, count = self._counts.get(key, ("", 0))
        count = count + 1 if before == error else 1
        self._counts[key] = (error, count)
        if self._most is None:
            return answer
        self.too_often = self.too_often or count >= self._most
        if not value or count != self._most - 1 or count < 1:
            return answer
        return replace(answer, value={**value, "repeated": HINT.format(count)})
