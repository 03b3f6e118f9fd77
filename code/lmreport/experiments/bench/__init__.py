"""Measurements of speed and scale (make bench-train, bench-scale): in _report/bench and, recorded,
in report/runs.
"""
