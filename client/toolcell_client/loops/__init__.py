"""
Loops with a model: executing what it called, and telling it what came of it.
"""
