"""The concepts of the report, one file each: formula, function, figure."""
