"""
A server that believes its callers who they are (`principals.py`): for tests with several of them.
"""

from __future__ import annotations

import sys
from typing import Any

from toolcell_server.__main__ import main  # first: it sets what gRPC reads from the environment

# isort: split
from toolcell_server.app import App

_serve = App._serve


async def _believing(app: App, *arguments: Any) -> None:
    # As late as the server itself imports gRPC: after its zygotes were started.
    import grpc.aio
    from principals import SaysWho

    made = grpc.aio.server

    def server(*, interceptors: Any = (), **options: Any) -> grpc.aio.Server:
        return made(interceptors=(*interceptors, SaysWho()), **options)

    grpc.aio.server = server  # type: ignore[assignment]
    await _serve(app, *arguments)


if __name__ == "__main__":
    App._serve = _believing  # type: ignore[assignment, method-assign]
    sys.exit(main())
