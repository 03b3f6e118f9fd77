"""Large files of the Hugging Face hub: in its cache, named by their digests, and in a Git clone."""

from __future__ import annotations

import hashlib
from pathlib import Path


def as_named(path: Path) -> bool:
    """Whether a file in the cache of the model hub holds what the hub said: there its name is its
    digest, sha256 of a large file and Git's sha1 of a small one. A mirror may name it otherwise.
    """
    kept = path.resolve()
    if kept.parent.name != "blobs" or len(kept.name) not in (40, 64):
        return True
    if len(kept.name) == 64:
        with open(kept, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == kept.name
    content = kept.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest() == kept.name


def is_pointer(path: Path) -> bool:
    """Whether a file is what Git LFS puts in the place of a large one until that is fetched."""
    start = b"version https://git-lfs"
    with open(path, "rb") as file:
        return file.read(len(start)) == start
