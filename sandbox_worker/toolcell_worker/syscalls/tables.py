"""
Numbers of the system calls.  They lie in `wire`, because the server names calls by them too.
"""

from toolcell_worker.wire.system_calls import AARCH64, X86_64

__all__ = ["AARCH64", "X86_64"]
