"""
Why no connection could be made, by what gRPC says, and what to do.  Pure.

Theory of operation.  gRPC has one code for all of it and promises nothing of its texts.  So a text
that is not known, or not any more, says what it said before: there is no server.
"""

from __future__ import annotations

import re

_UNTRUSTED = re.compile(r"CERTIFICATE_VERIFY_FAILED: ([^:]{1,100})")
_SIX = re.compile(r"ipv6:%5B([0-9A-Fa-f:.]{2,45})%5D:([0-9]{1,5})")


def sentence(text: str, target: str) -> str:
    """
    What to tell of a call that was never sent; `text` is gRPC's.
    """
    if "WRONG_VERSION_NUMBER" in text:
        return f"{target} does not speak TLS; leave out ca= and tls=, or let the server use TLS"
    if untrusted := _UNTRUSTED.search(text):
        return (
            f"the TLS certificate of {target} is not trusted ({untrusted[1]}); give ca=, the PEM"
            " file of its authorities (on the command line --ca)"
        )
    if "Hostname Verification" in text:
        return (
            f"the TLS certificate of {target} is for another name; let the target be a name that"
            " the certificate has"
        )
    if text.endswith(("Socket closed", "Connection reset by peer")):
        return (
            f"{target} closed the connection at once; it may want TLS (ca= or tls=True), or a"
            " client certificate that it trusts (certificate= and key=)"
        )
    if target.startswith("localhost:") and (last := _SIX.search(text)):
        # Which of the two addresses gRPC tells of is chance; the other may have said more.
        host, port = last.groups()
        return f"no toolcell server at {target}, which was [{host}] last; try 127.0.0.1:{port}"
    return f"no toolcell server at {target}"
