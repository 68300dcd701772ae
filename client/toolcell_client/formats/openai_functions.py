"""
OpenAI Chat Completions as they were before `tools`: `functions` and `function_call`.  Pure.

Calls have no ids, so that a response has one at most.  Responses are read as those of
`openai_chat.py`; a `function_call` is answered by a message of the role "function" there, too.
Source: `openai/types/chat/completion_create_params.py`, where they are marked deprecated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_client.formats.modes import check_mode
from toolcell_client.formats.openai_chat import OpenAiChat, described

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolcell_client.formats.offered import Offer


class OpenAiFunctions(OpenAiChat):
    """
    The format of `POST /chat/completions` with `functions`.
    """

    provider = "openai-functions"

    def definitions(self, offers: Sequence[Offer]) -> list[dict[str, Any]]:
        """
        The value of `functions` in a request; they know no `strict`.
        """
        return [described(each) for each in offers]

    def choice(self, mode: str, names: Sequence[str], *, parallel: bool | None) -> dict[str, Any]:
        check_mode(mode, names)
        if parallel:
            raise ValueError("legacy functions have no parallel calls; use the provider 'openai'")
        if mode == "one" or (mode == "required" and len(names) == 1):
            return {"function_call": {"name": names[0]}}
        if mode == "required":
            raise ValueError(
                "legacy functions can be required by name only: use the mode 'one',"
                " or the provider 'openai'"
            )
        if names and mode == "auto":
            raise ValueError(
                "legacy functions cannot be allowed by name: define no others for this request,"
                " or use the provider 'openai'"
            )
        return {"function_call": mode}


FORMAT = OpenAiFunctions()
