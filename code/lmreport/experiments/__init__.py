"""What is tried out: one experiment for each concept, studies of the task, measurements of
speed.
"""
