"""
The audit log: who did what, and the proof afterwards that nobody changed the answer.
"""
