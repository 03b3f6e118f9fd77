"""The one exception for what the reader of the message can fix."""


class ReportError(Exception):
    """Bad input, named together with its fix, in one sentence; the command line prints it and
    exits with 2.
    """
