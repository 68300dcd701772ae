"""
Calls that a person has to say yes to before they run.
"""
