"""
What a model can do about each limit.
"""

from __future__ import annotations

LIMIT_HINTS = {
    "wall": "The tool took too long; ask for less work in one call.",
    "cpu": "The tool computed too long; ask for less work or use a cheaper method.",
    "memory": "The tool needed too much memory; work on less data at once.",
    "output": "The tool printed far too much; print only what is needed.",
    "result": "The result is too large; ask for a part of it or a summary.",
    "processes": "The tool started too many processes or threads; do the work in fewer.",
    "open_files": "The tool opened too many files at once; close them as you go.",
    "disk": "The tool's private disk is full; write less.",
    "file_size": "The tool wrote too large a file; write less or in parts.",
    "file_operations": "The tool opened or changed too many files; ask for fewer of them.",
    "network": "The tool transferred too much over the network; ask for less of it.",
    "connections": "The tool connected too often; ask for fewer pages or requests.",
    "timeout": "The call's own timeout ended it; allow more time or ask for less work.",
}
