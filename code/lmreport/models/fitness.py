"""Whether a model is fit for what is asked of it: what is not is refused before anything is trained."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from lmreport.core.errors import ReportError, said_by
from lmreport.core.listing import quoted
from lmreport.core.settings import project_root, working_folder
from lmreport.models import pretrained
from lmreport.models.saved_tokenizer import (
    KNOWN,
    foreign_tokenizer,
    load_tokenizer,
    without_pieces,
    wrong_padding,
)
from lmreport.models.saved_weights import (
    INDEX,
    opens,
    pointer_in,
    unlike_its_weights,
    weights_in_parts,
)

ADDRESS = re.compile(r"(?:https?://)?(?:www\.)?huggingface\.co/([\w./-]+)")
HUB_NAME = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?", re.A)  # owner/model, old ones without an owner
ADAPTER = "adapter_config.json"
OF_WEIGHTS = ("*.safetensors", "*.bin", "*.h5", "*.onnx", "*.msgpack")


def no_whole_model(folder: Path) -> str:
    """What `folder` holds instead of one whole model that can be read without code of its own, and
    what to do; "" if nothing speaks against one.
    """
    if not folder.exists():
        return "is not there; name the folder of a model"
    if folder.is_file() and (folder.parent / "config.json").is_file():
        return (
            f"is a file; name the folder that holds it and the rest of the model: {folder.parent}"
        )
    if folder.is_file():
        return (
            "is a file; name a folder with config.json, model.safetensors and tokenizer.json, as "
            "save_pretrained writes them"
        )
    inner = [path.relative_to(folder).as_posix() for path in checkpoints(folder)]
    if inner and not (folder / "config.json").is_file():
        return f"holds no model but folders with one each; name one of them: {', '.join(inner)}"
    if (folder / INDEX).is_file() and not (folder / "model.safetensors").is_file():
        return weights_in_parts(folder)
    if (folder / ADAPTER).is_file() and not (folder / "model.safetensors").is_file():
        return (
            f"holds an adapter of PEFT ({ADAPTER}) and not the model that it changes; join both with "
            "merge_and_unload() and save what that gives, and its tokenizer, with save_pretrained"
        )
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except OSError:
        return ""  # told by who reads it
    except ValueError as error:
        return f"has a config.json that cannot be read ({error}); save the model anew"
    if not isinstance(config, dict):
        return "has a config.json that holds no table of settings; save the model anew"
    return own_code(config)


def before_the_hub(folder: Path) -> str:
    """What to do where `folder`, which holds no weights, is found for a name that the hub knows too;
    "" where it cannot be.
    """
    if not folder.is_dir() or any(path for kind in OF_WEIGHTS for path in folder.glob(kind)):
        return ""
    path = Path(os.path.abspath(folder))
    for base in (working_folder(), project_root()):
        if path.is_relative_to(base) and HUB_NAME.fullmatch(
            name := path.relative_to(base).as_posix()
        ):
            return (
                f"; if the hub's {quoted(name)} is meant, rename this folder, which is taken first"
            )
    return ""


def checkpoints(folder: Path) -> list[Path]:
    """The folders with a model in `folder`, such as a Trainer or the cache of the hub has, by their
    numbers.
    """

    def step(path: Path) -> tuple[int, str]:
        number = path.name.rpartition("-")[2]
        return (int(number) if number.isdecimal() else -1, path.name)

    places = ("*/config.json", "snapshots/*/config.json") if folder.is_dir() else ()
    found = [path for place in places for path in folder.glob(place)]
    return sorted((path.parent for path in found if is_of_model(path)), key=step)


def is_of_model(path: Path) -> bool:
    """Whether a config.json is a model's, and not that of a layer behind one."""
    try:
        return "model_type" in json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError):
        return True  # told by who reads it


def own_code(config: dict) -> str:
    """That a model needs code that comes with it, which is never run; "" if it does not."""
    if "auto_map" not in config or config.get("model_type") in KNOWN:
        return ""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

    if config.get("model_type") in CONFIG_MAPPING_NAMES:
        return ""
    return f"needs code of its own (auto_map in config.json), which is never run here; {FITS}"


FITS = "name an encoder such as BERT, DistilBERT or RoBERTa"


def refuse_unfit(source: pretrained.Source, max_length: int | None = None) -> None:
    """Raises ReportError if the model is no encoder, or has fewer positions than `max_length`."""
    config = configuration(Path(source.path))
    what = no_encoder(config)
    if what:
        raise ReportError(
            f"model: {quoted(source.name)} is {what}, which cannot be used here; {FITS}"
        )
    if what := wrong_padding(Path(source.path)):
        raise ReportError(f"model: {quoted(source.name)} {what}")
    refuse_long(source.name, config, max_length)


def refuse_long(name: str, config: dict, max_length: int | None) -> None:
    """Raises ReportError if the model with this `config` has fewer positions than `max_length`."""
    most = positions(config)
    if max_length and 0 < most < max_length:
        raise ReportError(
            f"model: {quoted(name)} reads at most {most} word pieces of a text, and max_length is "
            f"{max_length}; set max_length to {most} or less, or name another model"
        )


def configuration(folder: Path) -> dict:
    """What the configuration of the model saved in `folder` says; the defaults of a known encoder,
    which are left out there, are those of `positions`. Raises ReportError if Transformers do not
    know its kind, or would have to run code that comes with it.
    """
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if config.get("model_type") in KNOWN:  # importing Transformers takes seconds
        return config
    if what := own_code(config):
        raise ReportError(f"model: {quoted(str(folder))} {what}")
    from transformers import AutoConfig

    try:
        whole = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    except Exception as error:  # whatever a kind that is not known leads to
        raise ReportError(
            f"model: the kind of {quoted(str(folder))} is not known "
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


def whole(model: str) -> pretrained.Source:
    """As `pretrained.locate`. Raises ReportError also for an address of the hub, and for a folder
    that holds no one whole model.
    """
    if address := ADDRESS.fullmatch(model):
        owner, *rest = address[1].strip("/").split("/")
        name = owner if not rest or rest[0] in ("tree", "blob", "resolve") else f"{owner}/{rest[0]}"
        raise ReportError(
            f"model: {quoted(model)} is an address; name the model itself, {quoted(name)}"
        )
    folder = Path(model).expanduser()
    if pretrained.is_folder(model) and (what := no_whole_model(folder)):
        hub = before_the_hub(folder)
        raise ReportError(f"model: {'the folder ' * folder.is_dir()}{folder} {what}{hub}")
    try:
        return pretrained.locate(model)
    except ReportError as error:
        raise ReportError(f"{error}{before_the_hub(folder)}") from error


def located(model: str, max_length: int | None = None) -> pretrained.Source:
    """The model that `model` names. Raises ReportError if it is no encoder, if it has fewer
    positions than `max_length`, or is a folder from which no model can be loaded.
    """
    source = whole(model)
    if Path(model).expanduser().is_dir():
        refuse_broken(source)
    refuse_unfit(source, max_length)
    return source


def refuse_broken(source: pretrained.Source) -> None:
    """Raises ReportError if no model can be loaded from the folder of `source`."""
    from transformers import AutoConfig

    if pointer := pointer_in(Path(source.path)):
        raise ReportError(f"model: the folder {source.path} cannot be used, since {pointer}")
    place = "config.json: "
    try:
        AutoConfig.from_pretrained(source.path, trust_remote_code=False)
        place = "its tokenizer: "
        pieces = load_tokenizer(Path(source.path))
        what = foreign_tokenizer(Path(source.path), pieces)
        if not pieces.pad_token:
            refuse_unfit(source)
        what = what or without_pieces(pieces)
        place = ""
        what = (
            what
            if opens(Path(source.path) / "model.safetensors")
            else "model.safetensors is damaged"
        )
        what = what or unlike_its_weights(source.path)
    except ReportError:
        raise
    except Exception as error:  # whatever a damaged file leads to
        what = f"{place}{said_by(error)}"
    if what:
        raise ReportError(
            f"model: no model can be loaded from the folder {source.path} ({what}); save a model "
            f"and its "
            "tokenizer there with save_pretrained, or set LMREPORT_MODEL to another one"
        )
