"""The one exception for what the reader of the message can mend."""


class ReportError(Exception):
    """Bad input, named together with its mend, in one sentence; the command line prints it and
    exits with 2.
    """
