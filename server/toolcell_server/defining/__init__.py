"""
Whether a definition of a tool may be used: everything that is wrong with it, where, and the remedy.
"""
