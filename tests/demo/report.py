"""
Prints what happens, and remembers whether it was what should have happened.
"""

from __future__ import annotations

import sys


class Report:
    """
    Lines for a reader, and a count of surprises.
    """

    def __init__(self) -> None:
        self.checked = 0
        self.surprises: list[str] = []

    def title(self, text: str) -> None:
        """
        Begin a part of the demo.
        """
        print(f"\n== {text}", flush=True)

    def tell(self, text: str) -> None:
        """
        Say something that needs no check.
        """
        print(f"   {text}", flush=True)

    def check(self, what: str, *, expected: object, actual: object) -> None:
        """
        Compare, and say so.
        """
        self.checked += 1
        if expected == actual:
            print(f"   ok   {what}: {actual}", flush=True)
            return
        self.surprises.append(what)
        print(f"   FAIL {what}: expected {expected!r}, got {actual!r}", flush=True)

    def exit_code(self) -> int:
        """
        Say how it went; 1 if anything was not as it should be.
        """
        print(f"\n{self.checked} checks, {len(self.surprises)} surprises", flush=True)
        for what in self.surprises:
            print(f"   FAIL {what}", file=sys.stderr, flush=True)
        return 1 if self.surprises or not self.checked else 0
