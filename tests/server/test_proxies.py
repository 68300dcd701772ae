"""
The proxy of an execution, as its cell is told of it.
"""

from __future__ import annotations

import os
import socket
from urllib.parse import urlsplit

from toolcell_server.proxies import Proxy


def test_every_variable_that_clients_look_for_names_the_proxy_and_none_a_way_past_it() -> None:
    """
    N13: what was declared beside it stays.
    """
    declared = {"LANG": "C", "NO_PROXY": "*", "no_proxy": "*", "HTTP_PROXY": "http://other:1"}
    with Proxy.opened() as proxy:
        found = proxy.environment(declared)

        names = {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"}
        assert {"LANG", *names, *map(str.lower, names)} == found.keys()
        [url] = {found[name] for name in found.keys() - {"LANG"}}
        parts = urlsplit(url)
        place = (parts.hostname, parts.port, parts.username, parts.password)
        assert ("127.0.0.1", proxy.port, "cell", proxy.token) == place


def test_each_proxy_has_a_token_of_128_bits_which_no_repr_shows() -> None:
    with Proxy.opened() as one, Proxy.opened() as other:
        assert 16 == len(bytes.fromhex(one.token))
        assert one.token != other.token
        assert one.token not in repr(one)


def test_it_listens_on_loopback_until_it_is_handed_over() -> None:
    """
    Who connects before the egress is there waits for it.
    """
    with Proxy.opened() as proxy:
        port = proxy.port
        with socket.create_connection(("127.0.0.1", port), 5):
            pass
        [descriptor] = proxy.hand_over()
    with socket.create_connection(("127.0.0.1", port), 5):
        os.close(descriptor)
