"""Is what the finished report shows what the records say? Every number is computed a second time,
another way.
"""
