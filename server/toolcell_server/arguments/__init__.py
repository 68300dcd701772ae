"""
A call's arguments before they are judged: where things are in them, and what is made ready.
"""
