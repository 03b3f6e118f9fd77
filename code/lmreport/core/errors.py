"""The one exception for what the reader of the message can fix, and which ones are of the network
or of a file system without locks.
"""

import errno

NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, 524}  # 524: ENOTSUPP inside Linux


class ReportError(Exception):
    """Bad input, named together with its fix, in one sentence; the command line prints it and
    exits with 2.
    """


def is_http(error: BaseException) -> bool:
    """Whether an error is one of an HTTP client's."""
    return type(error).__module__.startswith(("httpx", "httpcore", "requests"))


def no_locks(error: BaseException) -> bool:
    """Whether an error says that a file system, such as one of a network, cannot lock files."""
    return isinstance(error, OSError) and error.errno in NO_LOCKS
