"""The command line: its options, its commands, and the programs that are started by themselves."""
