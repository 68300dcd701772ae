"""
The command `toolcell`: results on stdout, everything else on stderr.
"""


def main() -> int:
    """
    Run the command line of this process; returns the exit code.
    """
    try:
        # Here, and not above, because Ctrl-C while gRPC loads would print a traceback.
        from toolcell_client.cli.program import run
    except KeyboardInterrupt:
        return 130
    return run()
