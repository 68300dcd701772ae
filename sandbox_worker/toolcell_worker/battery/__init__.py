"""
Hostile code: what the battery tries in cells, and outside of them as a control.

Each attack is a function of a plan, a JSON object that says where things are, never what the
secret is.  It tries its utmost, returns whatever it got hold of, and may raise.  None of it harms
the host for good: what it makes is bounded, and what it would destroy it only asks for.
"""
