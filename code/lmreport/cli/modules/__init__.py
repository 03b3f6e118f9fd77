"""What `python -m` starts under the package's own name, as if it lay there: launch and bench."""
