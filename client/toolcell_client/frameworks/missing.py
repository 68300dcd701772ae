"""
What somebody is told who has not installed a framework.
"""

from __future__ import annotations


def missing(module: str, extra: str, error: ImportError) -> ImportError:
    """
    To be raised from `error`: it names the extra.
    """
    told = f"toolcell_client.frameworks.{module} needs {extra}: pip install 'toolcell[{extra}]'"
    return ImportError(f"{told} ({error})", name=error.name)
