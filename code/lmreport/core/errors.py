"""The one exception for what the reader of the message can fix, and which ones are of the network."""


class ReportError(Exception):
    """Bad input, named together with its fix, in one sentence; the command line prints it and
    exits with 2.
    """


def is_http(error: BaseException) -> bool:
    """Whether an error is one of an HTTP client's."""
    return type(error).__module__.startswith(("httpx", "httpcore", "requests"))
