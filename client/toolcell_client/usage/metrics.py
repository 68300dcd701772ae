"""
What models took, as metrics of the program that asks them.

Theory of operation.  The caller's program has its own registry and its own way to be scraped, so
this makes counters and opens no port.  Label sets are closed: a name of a model or a conversation
beyond the first 200 counts as `other`, since every new value is a time series for ever.  Kinds of
tokens do not overlap: `sum by (model)` is what was taken.  A request whose price is not known adds
nothing to the cost and one to `toolcell_model_unpriced_requests_total`, so that a cost that looks
low can be told from one that is.
"""

from __future__ import annotations

import threading
from importlib import import_module
from typing import TYPE_CHECKING, Any

from toolcell_client.usage.request import BoundedNames, by_kind

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from toolcell_client.usage.request import ModelRequest

WHO = ("provider", "model", "conversation")


class UsageMetrics:
    """
    Counters of tokens, cost and requests, in `registry` (None: the process's own).  One for each
    registry; give it to every conversation.

    Raises:
        ImportError: prometheus-client is not installed; names the extra.
        ValueError: the registry has these metrics already.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        client = _prometheus()
        registry = client.REGISTRY if registry is None else registry

        def counter(name: str, says: str, *labels: str) -> Any:
            return client.Counter(f"toolcell_model_{name}", says, labels, registry=registry)

        self._tokens = counter("tokens", "Tokens that models took.", *WHO, "kind")
        self._cost = counter("cost", "What requests with a known price cost.", *WHO, "currency")
        self._requests = counter("requests", "Answered requests, by how they ended.", *WHO, "stop")
        self._unpriced = counter("unpriced_requests", "Requests of an unknown price.", *WHO)
        self._lock = threading.Lock()
        self._models = BoundedNames()
        self._conversations = BoundedNames()

    def record(self, request: ModelRequest) -> None:
        """
        Count one answered request.
        """
        with self._lock:
            model = self._models.of(request.model)
            conversation = self._conversations.of(request.conversation)
        who = (request.provider, model, conversation)
        for kind, tokens in by_kind(request.tokens).items():
            self._tokens.labels(*who, kind).inc(max(tokens, 0))
        self._requests.labels(*who, str(request.stop)).inc()
        if request.cost is None:
            self._unpriced.labels(*who).inc()
        else:
            self._cost.labels(*who, request.currency).inc(float(request.cost))


def _prometheus() -> Any:
    try:
        return import_module("prometheus_client")
    except ImportError as exc:
        raise ImportError(
            "UsageMetrics needs prometheus-client: pip install 'toolcell[usage]'"
        ) from exc
