"""
What the responses of a voice session took.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolcell_client.usage.ledger import Usage
from toolcell_client.usage.prices import Prices
from toolcell_client.usage.request import ModelRequest

if TYPE_CHECKING:
    from toolcell_client.voice.deeds import Account
    from toolcell_client.voice.options import VoiceOptions

PROVIDER = "openai-realtime"


class Accounts:
    """
    Adds up the responses of one session, fillers as well, and tells `VoiceOptions.metrics` of each.
    """

    def __init__(self, options: VoiceOptions) -> None:
        self._options, self._prices = options, Prices.of(options.prices)
        self.usage = Usage()

    def take(self, deed: Account) -> None:
        """
        One response has ended.
        """
        options, turn = self._options, deed.turn
        request = ModelRequest(
            provider=PROVIDER,
            model=deed.model or options.model_name,
            conversation=options.name,
            tokens=turn.tokens,
            cost=self._prices.cost(PROVIDER, turn.tokens, deed.model, options.model_name),
            currency=self._prices.currency,
            stop=turn.stop,
        )
        self.usage = self.usage.plus(request)
        if options.metrics is not None:
            options.metrics.record(request)
