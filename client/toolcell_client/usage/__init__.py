"""
What models took: tokens and cost, by model and by kind of conversation.
"""

from toolcell_client.usage.ledger import Usage, UsageLedger
from toolcell_client.usage.metrics import UsageMetrics
from toolcell_client.usage.prices import Price, Prices
from toolcell_client.usage.request import ModelRequest, UsageSink

__all__ = [
    "ModelRequest",
    "Price",
    "Prices",
    "Usage",
    "UsageLedger",
    "UsageMetrics",
    "UsageSink",
]
