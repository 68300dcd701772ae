"""
Who calls: from credentials to a principal, or to nobody.
"""
