"""
`python -m toolcell_client.testing.providers [--port PORT]`: serve the demo model until interrupted.
"""

from __future__ import annotations

import argparse
import sys
import threading
from typing import TYPE_CHECKING

from toolcell_client.testing.providers.demo import demo_model
from toolcell_client.testing.providers.server import ProviderServer

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None, until: threading.Event | None = None) -> int:
    """
    The exit code; `until` ends it as an interrupt does.
    """
    parser = argparse.ArgumentParser(
        prog="python -m toolcell_client.testing.providers",
        description="Speaks the wire formats of LLM providers on 127.0.0.1, with a model of rules:"
        ' it calls tools by simple wishes, such as "calculate 6*7 and read notes.txt".'
        " Any key is taken.",
    )
    parser.add_argument("--port", type=int, default=0, help="0: any free one (the default)")
    options = parser.parse_args(arguments)
    try:
        server = ProviderServer(demo_model, port=options.port)
    except OSError as exc:
        sys.stderr.write(f"cannot listen on 127.0.0.1:{options.port}: {exc.strerror}\n")
        return 3
    with server:
        sys.stdout.write(
            f"OPENAI_BASE_URL={server.openai_base_url}\n"
            f"ANTHROPIC_BASE_URL={server.anthropic_base_url}\n"
            f"GOOGLE_GEMINI_BASE_URL={server.gemini_base_url}\n"
            f"OPENAI_REALTIME_URL={server.realtime_url}\n"
        )
        sys.stdout.flush()
        try:
            (until or threading.Event()).wait()
        except KeyboardInterrupt:
            return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
