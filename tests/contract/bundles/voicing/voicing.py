"""
Tools that people use by voice.
"""

import time

from toolcell_worker import Context, tool


@tool(effects="read_only")
def weather(city: str) -> dict[str, str | int]:
    """
    Say what the weather is. Use when the user asks for the weather.

    Args:
        city: where.
    """
    return {"city": city, "celsius": 3}


@tool(effects="read_only")
def broken() -> None:
    """
    Fail. Use when the user asks for a failure.
    """
    raise ValueError("it is broken")


@tool(effects="writes")
def linger(context: Context, seconds: float = 30) -> str:
    """
    Take a while. Use when the user wants to wait.

    Args:
        seconds: how many.
    """
    context.progress(0.5, "Half of it is done.")
    time.sleep(seconds)
    return "done"


@tool(effects="destructive", approval="confirm")
def erase(which: str) -> str:
    """
    Erase notes. Use when the user says "erase"; it cannot be undone and has to be confirmed.

    Args:
        which: the notes.
    """
    return f"erased {which}"
