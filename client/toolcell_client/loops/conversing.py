"""
What a program may say about a conversation.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from toolcell_client.formats.toolset import Toolset
from toolcell_client.formats.turns import Tokens
from toolcell_client.loops.bounding import Bounds
from toolcell_client.loops.budget import Budget
from toolcell_client.loops.settings import EachCall, TurnSettings
from toolcell_client.usage.prices import Price, Prices

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Self

    from toolcell_client.formats.loosened import Strictness
    from toolcell_client.loops.approving import Ask
    from toolcell_client.loops.selection import Selection
    from toolcell_client.loops.transcript import Redact
    from toolcell_client.usage.request import UsageSink

CONCURRENT_CALLS = 8  # as of one turn
ONE = Tokens(input=1, output=1)  # to see whether there is a price


class ConversationOptions(EachCall, total=False):
    """
    Options of a conversation, besides those of each call; every one may be left out.
    """

    provider: str | None  # whose format; left out: that of the SDK's client
    model_name: str  # the field `model` of requests
    instructions: str  # for the model, in the provider's place for them
    tools: Toolset | Sequence[str] | None  # names, or a Toolset; None: every tool there is
    budget: Budget
    prices: Prices | Mapping[str, Price] | None  # None: those of genai-prices, if installed
    metrics: UsageSink | None  # is told of every answered request
    strict: Strictness  # True or "where_possible": hold the model to schemas
    parallel: bool  # False: one call after the other
    max_concurrent_calls: int  # 8
    conclude: bool  # True: in the last step of the budget the model may only speak
    bounds: Bounds  # of what the model is told of results; the rest is kept for `read_result`
    approve: Ask | None  # asked about calls that need a yes; None: they end the reply as `pending`
    select: Selection | None  # which of many tools to offer
    name: str  # of the KIND of conversation, in usage and metrics; never an id
    extra: Mapping[str, Any]  # further fields of requests, as temperature or max_tokens
    history: Sequence[Mapping[str, Any]] | None  # messages to begin with, in the provider's format
    redact: Redact | None  # sees entries of the transcript before they are kept
    clock: Callable[[], float]  # seconds that only grow, for the budget
    now: Callable[[], float]  # seconds since 1970, for the transcript


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """
    The same, checked.  `call` are options that every call gets, and those that loops add.

    Raises:
        TypeError: `tools` is a text, where names go in a list; or `budget` is no `Budget`.
        ValueError: a budget of cost, and no price of the model is known.
    """

    provider: str
    model_name: str = ""
    instructions: str = ""
    tools: Toolset | Sequence[str] | None = None
    budget: Budget = field(default_factory=Budget)
    prices: Prices = field(default_factory=Prices)
    metrics: UsageSink | None = None
    strict: Strictness = False
    parallel: bool = True
    max_concurrent_calls: int = CONCURRENT_CALLS
    conclude: bool = False
    bounds: Bounds = field(default_factory=Bounds)
    approve: Ask | None = None
    select: Selection | None = None
    name: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    call: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, provider: str, **options: Any) -> Self:
        """
        From the options of a conversation, without `history`, `redact` and `provider`.
        """
        own = {name: options.pop(name) for name in list(options) if name in OWN}
        checked = {**options, "max_concurrent_calls": own.get("max_concurrent_calls", 1)}
        TurnSettings.of(**checked)  # complains once, to the program, of what no call could have
        own["prices"] = Prices.of(own.get("prices"))
        return cls(provider=provider, call=options, **own)

    def __post_init__(self) -> None:
        if isinstance(self.tools, str):
            raise TypeError(f"tools are a list of names: tools=[{self.tools!r}]")
        if not isinstance(self.budget, Budget):
            raise TypeError(f"a budget is Budget(steps=…, cost=…), not {self.budget!r:.50}")
        if not self.parallel:
            object.__setattr__(self, "max_concurrent_calls", 1)
        if self.budget.cost is not None and not self._priced():
            raise ValueError(
                f"a budget of cost needs the price of {self.model_name or 'the model'}: give"
                " model_name= and prices={…: Price(…)}, or pip install 'toolcell[usage]'"
            )

    @property
    def call_timeout(self) -> float | None:
        timeout: float | None = self.call.get("timeout")
        return timeout

    @property
    def session_id(self) -> str:
        return str(self.call.get("session_id", ""))

    @property
    def toolset(self) -> Toolset | None:
        """
        The tools, if the caller has chosen them; else they are asked for, by `names`.
        """
        return self.tools if isinstance(self.tools, Toolset) else None

    @property
    def names(self) -> tuple[str, ...]:
        if self.tools is None or isinstance(self.tools, Toolset):
            return ()
        return tuple(self.tools)

    def _priced(self) -> bool:
        return self.prices.cost(self.provider, ONE, self.model_name) is not None


OWN = frozenset(Settings.__dataclass_fields__) - {"provider", "call"}
