"""The one exception for what the reader of the message can fix, and which ones are of the network,
of a full disk or of a file system without locks.
"""

import errno
import re

FULL = {errno.ENOSPC, errno.EDQUOT}
# safetensors and torch tell of a full disk in words alone (112: on Windows)
SAID_FULL = re.compile(
    r"\(os error (28|112|122)\)|PytorchStreamWriter failed writing|cc:\d+\] \. unexpected pos"
)
UNTRUSTED = re.compile(r"\[SSL: CERTIFICATE_VERIFY_FAILED\][^\n]*")
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


def chain_of(error: BaseException) -> list[BaseException]:
    """An error, what it was raised from, and so on to the first."""
    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None:
        chain.append(cause)
    return chain


def no_space(error: BaseException) -> bool:
    """Whether an error, or one that it came from, says that a disk is full or a quota used up."""
    return any(
        getattr(one, "errno", None) in FULL or SAID_FULL.search(str(one)) for one in chain_of(error)
    )


def untrusted(error: BaseException) -> str:
    """That a server, or a proxy before it, showed a certificate that is not trusted on this machine,
    and what to set; "" where an error says nothing of the kind.
    """
    said = [found[0] for one in chain_of(error) if (found := UNTRUSTED.search(str(one)))]
    if not said:
        return ""
    return (
        f"its certificate, or that of a proxy before it, is not trusted here ({said[-1]}); set "
        "SSL_CERT_FILE to a file with the certificates that your network uses"
    )
