"""
`toolcell mcp`: the tools of a toolcell server, for any MCP client.

Theory of operation.  The bridge is one more client of the toolcell server: it holds no rights, runs
nothing and decides nothing.  The official SDK reads and writes the protocol, in both of its eras
(2026-07-28, where every request stands alone, and the ones before, which begin with `initialize`);
one set of handlers, in `bridge.py`, answers both.

    stdio.py, http.py -> bridge.py -> catalogue.py (what there is) -> describing.py, shapes.py
                                   -> calling.py (one call) -> pacing.py (progress), answering.py
                                   -> asking.py (a person) -> questions.py (what was asked)

Over HTTP each request has an identity (identities.py): that of the bearer token that came with it.
The token goes on to the toolcell server, which alone says what it is good for.

Nothing is imported here, because the SDK is an extra: pip install 'toolcell[mcp]'.
"""
