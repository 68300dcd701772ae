"""
The operator's hooks: code of theirs that sees calls and endings, and may alter or veto them.
"""
