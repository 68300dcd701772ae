"""
The command `toolcell`: results on stdout, everything else on stderr.
"""

import os


def main() -> int:
    """
    Run the command line of this process; returns the exit code.
    """
    # gRPC reports every lost connection on stderr by itself; we say what matters.  It reads this
    # once, when it is loaded.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    try:
        # Here, and not above, because Ctrl-C while gRPC loads would print a traceback.
        from toolcell_client.cli.program import run
    except KeyboardInterrupt:
        return 130
    return run()
