"""
How tools are kept in order: by scope and name, with what has changed of late.
"""
