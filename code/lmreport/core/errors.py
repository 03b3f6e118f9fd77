"""The one exception for what the reader of the message can fix, and which ones are of the network,
of a full disk or of a file system without locks.
"""

import errno
import os
import re
from http import HTTPStatus

FULL = {errno.ENOSPC, errno.EDQUOT}
# safetensors and torch tell of a full disk in words alone (112: on Windows)
SAID_FULL = re.compile(
    r"\(os error (28|112|122)\)|PytorchStreamWriter failed writing|cc:\d+\] \. unexpected pos"
)
UNTRUSTED = re.compile(r"\[SSL: CERTIFICATE_VERIFY_FAILED\][^\n]*")
TOLD_ELSEWHERE = {401, 403, 404, 407, 451}  # of HTTP: where it is known what is asked for
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


def statuses_of(error: BaseException) -> set[int]:
    """What servers answered, as numbers of HTTP, in an error and in those that it came from."""
    given = (
        getattr(getattr(one, "response", None), "status_code", getattr(one, "code", None))
        for one in chain_of(error)
    )
    return {status for status in given if isinstance(status, int)}


def overburdened(error: BaseException) -> str:
    """That a server is there but serves nobody, or not this machine, for now, and what to do; ""
    where an error says nothing of the kind.
    """
    for status in sorted(statuses_of(error)):
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return "it answers 429, too many requests from this address; wait some minutes"
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return f"it answers {status}, a trouble of its own; try again later"
        if status >= HTTPStatus.BAD_REQUEST and status not in TOLD_ELSEWHERE:
            return f"it, or a proxy before it, answers {status}; try again later"
    return ""


def wrong_token(error: BaseException) -> str:
    """That the hub does not take the token sent to it, where that stands, and what to do; "" where
    none was sent or the error is another.
    """
    from huggingface_hub import constants, get_token

    if HTTPStatus.UNAUTHORIZED not in statuses_of(error) or not get_token():
        return ""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        if os.environ.get(name):
            return f"it does not accept the token in {name} (401); correct it, or unset {name}"
    return (
        f"it does not accept the token in {constants.HF_TOKEN_PATH} (401); log in anew with hf auth "
        "login, or out with hf auth logout"
    )


def unlike_the_hub(error: BaseException) -> str:
    """That what answers in the hub's place, such as a mirror, leaves out what the hub's client needs
    to know of each file, and what to do; "" where an error says nothing of the kind.
    """
    from huggingface_hub import constants
    from huggingface_hub.errors import FileMetadataError

    said = [str(one) for one in chain_of(error) if isinstance(one, FileMetadataError)]
    if not said:
        return ""
    header = re.search("X-Repo-Commit|ETag|Content-Length", said[0])
    given = os.environ.get("HF_ENDPOINT")
    remedy = "set HF_ENDPOINT to a mirror that does" if given else "ask it from another network"
    return (
        f"{constants.ENDPOINT}, or a proxy before it, does not send {header[0] if header else 'what'} "
        f"with each file as the hub does; {remedy}"
    )


def answered_otherwise(error: BaseException) -> str:
    """Why what answered, the hub or another in its place, gave nothing, and what to do; "" where it is
    not that.
    """
    return wrong_token(error) or overburdened(error) or unlike_the_hub(error)


def hub_cache_name() -> str:
    """The variable that says where the hub's files are kept: others win over HF_HOME."""
    given = ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE")
    return next((name for name in given if os.environ.get(name)), "HF_HOME")


HINDRANCES = (  # a word of an error of the hub's client, or its name, and what to do
    ("UnsupportedProtocol", "begin what HF_ENDPOINT says with https://"),
    ("socksio", "install that package, or unset ALL_PROXY and HTTPS_PROXY"),
    ("for proxy URL", "write ALL_PROXY and HTTPS_PROXY as http://… or socks5://…"),
    ("UnicodeEncodeError", "write HF_TOKEN anew, in letters of ASCII and without quotes"),
    ("404 Not Found", "check HF_ENDPOINT"),
    (
        "JSONDecodeError",
        "log in to the network, whose own page may have answered, or check HF_ENDPOINT",
    ),
)


def hindrance(error: BaseException) -> str:
    """Why the hub could not be asked, in brackets, and what to do about it."""
    return f"({said_by(met(error)[0])}); {way_out(error) or 'check the network'}"


def met(error: BaseException) -> list[BaseException]:
    """The chain of an error of the hub's client, but for that a file isn't in the cache either."""
    chain = [one for one in chain_of(error) if type(one).__name__ != "LocalEntryNotFoundError"]
    return chain or [error]


def way_out(error: BaseException) -> str:
    """What to do on this machine so that the hub can be asked; "" where nothing is known of it."""
    chain, certificates = met(error), os.environ.get("SSL_CERT_FILE")
    if isinstance(chain[0], OSError) and chain[0].filename:
        return f"set {hub_cache_name()} to a folder that can be written to"
    if certificates and not os.path.exists(certificates):
        return f"unset SSL_CERT_FILE, which names no file ({certificates})"
    words = " ".join(f"{type(one).__name__} {one}" for one in chain)
    return next((what for sign, what in HINDRANCES if sign in words), "")


def said_by(error: BaseException) -> str:
    """The name of an error and the first line of what it says."""
    return f"{type(error).__name__}: {(str(error).strip().splitlines() or [''])[0]}"
