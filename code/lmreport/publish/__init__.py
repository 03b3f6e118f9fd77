"""What leaves the project: citations, each figure and table as a file of its own, the archive to
hand in.
"""
