"""Training once and keeping what came of it: records, whether they are fresh, numbers that tell
their origin.
"""
