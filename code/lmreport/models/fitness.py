"""Whether a model is fit for what is asked of it: what is not is refused before anything is trained."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from lmreport.core.blobs import is_pointer
from lmreport.core.errors import ReportError
from lmreport.core.listing import quoted
from lmreport.core.settings import project_root, working_folder
from lmreport.models import pretrained, tokenizer

if TYPE_CHECKING:
    import torch


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


def all_class_names(folder: Path) -> list[str]:
    """As `class_names`; a classifier of classes without names, which Transformers leave out where
    they are two, has those that they give it.
    """
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if config.get("id2label"):
        return class_names(folder)
    return [f"LABEL_{number}" for number in range(config.get("num_labels") or 2)]


def misnamed_classes(folder: Path) -> str:
    """That the configuration of a saved classifier names its classes so that they cannot be read,
    and how to write them; "" if it names none or all is well.
    """
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        names = config.get("id2label") or {}
    except (OSError, ValueError, AttributeError):
        return ""  # told by who reads it
    if isinstance(names, dict) and all(map(str.isdecimal, names)):
        names = list(names.values())
    given = list(names) if isinstance(names, list | dict) else []
    if pretrained.classes_by_number(config) and all(isinstance(one, str) for one in given):
        return like_no_names(given)
    written = {str(i): str(one) for i, one in enumerate(given[:2] or ["NAME", "NAME"])}
    return (
        "names its classes in config.json otherwise than they are read here; write "
        f'"id2label": {json.dumps(written, ensure_ascii=False)[:-1]}, …}}'
    )


def like_no_names(names: list[str]) -> str:
    """That of the names of classes two are alike, or one could not be told in a line; "" if all is
    well.
    """
    if twice := [name for name, number in Counter(names).items() if number > 1]:
        return (
            f"names two classes {quoted(twice[0])} in its config.json; give each a name of its own "
            "(id2label)"
        )
    wrong = [name for name in names if len(name.strip().splitlines()) != 1 or "\t" in name]
    if wrong:
        return (
            f"names a class {quoted(wrong[0])} in its config.json; give it a name in one line "
            "(id2label)"
        )
    return ""


ADDRESS = re.compile(r"(?:https?://)?(?:www\.)?huggingface\.co/([\w./-]+)")
HUB_NAME = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?", re.A)  # owner/model, old ones without an owner
ADAPTER = "adapter_config.json"
OF_WEIGHTS = ("*.safetensors", "*.bin", "*.h5", "*.onnx", "*.msgpack")
INDEX = "model.safetensors.index.json"  # which part of the weights holds which of them


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


def weights_in_parts(folder: Path) -> str:
    """That the weights lie in several files, and which of these is missing."""
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        parts = sorted(set(index["weight_map"].values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return f"has a damaged {INDEX}; fetch or save the model again"
    missing = [name for name in parts if not (folder / name).is_file()]
    if missing:
        return (
            f"lacks {', '.join(missing)}, of the {len(parts)} parts of its weights that {INDEX} "
            "names; fetch or save the model again"
        )
    return (
        f"has its weights in {len(parts)} parts, and model.safetensors alone is read here; load "
        "the model and save it with save_pretrained(FOLDER, max_shard_size='100GB')"
    )


def own_code(config: dict) -> str:
    """That a model needs code that comes with it, which is never run; "" if it does not."""
    if "auto_map" not in config or config.get("model_type") in KNOWN:
        return ""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

    if config.get("model_type") in CONFIG_MAPPING_NAMES:
        return ""
    return f"needs code of its own (auto_map in config.json), which is never run here; {FITS}"


def load_tokenizer(folder: Path):
    """As `tokenizer.load_tokenizer`. Raises ReportError also for a tokenizer that cannot be read."""
    try:
        return tokenizer.load_tokenizer(str(folder))
    except ReportError:
        raise
    except Exception as error:  # whatever a damaged file, or one of another version, leads to
        if not (folder / "tokenizer.json").is_file():
            raise ReportError(
                f"model: the folder {folder} holds no tokenizer.json; save the model’s tokenizer "
                "there with save_pretrained"
            ) from error
        raise ReportError(
            f"model: the tokenizer in {folder} cannot be read "
            f"({(str(error).splitlines() or [''])[0] or type(error).__name__}); it may be damaged, "
            "or saved by a newer version of tokenizers: save tokenizer.json again with this one"
        ) from error


def wrong_padding(folder: Path) -> str:
    """That the tokenizer saved in `folder` puts padding before a text, where encoders look for what
    stands for the whole text, or does not tell it from the text, and what to do; "" if all is well.
    """
    try:
        options = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    if not isinstance(options, dict):
        return ""
    if options.get("padding_side") == "left":
        return (
            "has a tokenizer that puts the padding before the text, where the first piece is looked "
            'for; set "padding_side": "right" in its tokenizer_config.json'
        )
    if "attention_mask" not in (options.get("model_input_names") or ["attention_mask"]):
        return (
            "has a tokenizer that gives no attention_mask, so that padding would be read as text; add "
            '"attention_mask" to "model_input_names" in its tokenizer_config.json'
        )
    return ""


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
        with safe_open(folder / "model.safetensors", "pt") as file:
            names = list(file.keys())
            wrong = no_numbers((name, file.get_tensor(name)) for name in names)
    except (OSError, SafetensorError):
        return "has damaged weights"
    if wrong:
        return f"cannot be used, since {wrong}"
    if not any(name.startswith(HEADS) for name in names):
        return "holds an encoder without a classifier, whose answers would be chance"
    if what := foreign_tokenizer(folder, tokenizer) or other_answers(folder):
        return what
    try:
        what = "" if tokenizer.pad_token else "its tokenizer has no padding token"
        what = what or unlike_its_weights(str(folder), "AutoModelForSequenceClassification")
    except Exception as error:  # whatever its configuration leads to
        what = said_by(error)
    return what and f"cannot be used, since {what}"


def other_answers(folder: Path) -> str:
    """That the classifier saved in `folder` answers otherwise than with one of several classes, or
    gives something else than that; "" if all is well.
    """
    from transformers import AutoConfig

    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if (config.get("problem_type") or "").startswith(("multi_label", "regression")):
        return (
            f"was trained for another task ({config['problem_type']}) than to name the one class of a "
            "text"
        )
    if len(all_class_names(folder)) < 2:
        return "has one class only, so that each text would be of it"
    named, number = len(all_class_names(folder)), AutoConfig.from_pretrained(folder).num_labels
    if named != number:
        return f"names {named} classes (id2label) and has {number} (num_labels) by its config.json"
    if config.get("return_dict") is False:
        return "gives its answer as a tuple; take return_dict out of its config.json, which is usable then"
    return ""


def said_by(error: Exception) -> str:
    """The name of an error and the first line of what it says."""
    return f"{type(error).__name__}: {(str(error).strip().splitlines() or [''])[0]}"


def foreign_tokenizer(folder: Path, tokenizer) -> str:
    """That the tokenizer has word pieces which the model saved in `folder` does not know, or another
    padding than that from whose number the model counts positions; "" if all is well.
    """
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    pieces = config.get("vocab_size", len(tokenizer))
    if pieces < len(tokenizer):
        return (
            f"has a tokenizer of {len(tokenizer):,} word pieces and a model of {pieces:,}; if pieces "
            "were added on purpose, call model.resize_token_embeddings(len(tokenizer)) before both "
            "are saved"
        )
    padding = config.get("pad_token_id", 1)
    if KNOWN.get(config.get("model_type")) and padding != tokenizer.pad_token_id is not None:
        return (
            f"has pad_token_id {json.dumps(padding)} in config.json, by which its positions are "
            f"counted, and a tokenizer whose padding is {tokenizer.pad_token_id}; save with it the "
            "tokenizer and the pad_token_id that it was trained with"
        )
    return ""


KNOWN = dict.fromkeys(("bert", "distilbert", "electra", "albert"), False) | dict.fromkeys(
    ("roberta", "xlm-roberta", "camembert", "mpnet", "longformer", "data2vec-text"), True
)  # encoders by their model_type, and whether their positions are counted from the padding's on
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


def without_pieces(tokenizer) -> str:
    """Which pieces that trainings here put into texts `tokenizer` lacks; "" if none."""
    if not tokenizer.pad_token:
        return "its tokenizer has no padding token"
    names = ("cls_token", "sep_token", "mask_token")
    if missing := [name for name in names if getattr(tokenizer, name) is None]:
        return (
            f"its tokenizer names no {', '.join(missing)}; name them where it is made: "
            f"PreTrainedTokenizerFast(…, {missing[0]}=…)"
        )
    if tokenizer.cls_token_id not in tokenizer("a b")["input_ids"]:
        return (
            f"its tokenizer puts no {tokenizer.cls_token} into a text, which stands for the whole of "
            "it; give it a post_processor"
        )
    return ""


def pointer_in(folder: Path) -> str:
    """That a file of the model is what Git LFS puts in its place; "" if none is."""
    there = [name for name in pretrained.WANTED if (folder / name).is_file()]
    found = next((name for name in there if is_pointer(folder / name)), "")
    return found and f"{found} is a pointer of Git LFS; run git lfs pull in its folder"


def unlike_its_weights(path: str, kind: str = "AutoModel") -> str:
    """That Transformers would fill weights of the model saved at `path`, an encoder or of another
    `kind`, with random numbers, leave layers out or train it in half precision, or that its weights
    are no numbers; "" if all is well.
    """
    import torch
    import transformers

    if kind_of_numbers := quantized(Path(path)):
        return (
            f"its weights are quantized ({kind_of_numbers}), and config.json does not say how "
            "(quantization_config); save the model as it was before"
        )
    model, told = getattr(transformers, kind).from_pretrained(
        path, output_loading_info=True, ignore_mismatched_sizes=True
    )
    is_encoder = kind == "AutoModel"  # which gets a head of its own, without a pooler
    if getattr(model.config, "num_hidden_layers", None) == 0:
        return "it has no layers (num_hidden_layers is 0 in config.json)"
    lost = sorted(name for name in told["missing_keys"] if "pooler" not in name or not is_encoder)
    if lost:
        return f"model.safetensors has no {lost[0]} and {len(lost) - 1} other weights of its layers"
    if told["mismatched_keys"]:
        name, there, wanted = sorted(told["mismatched_keys"])[0]
        return f"{name} has the shape {list(there)} in model.safetensors and {list(wanted)} by config.json"
    if layer := left_out(model.state_dict(), told["unexpected_keys"]):
        return f"config.json counts fewer layers than model.safetensors has, such as {layer}"
    if is_encoder and model.dtype != torch.float32:
        return (
            f"its weights are {str(model.dtype).removeprefix('torch.')}, too coarse to be "
            "trained; save model.float()"
        )
    return no_numbers(model.state_dict().items())


def quantized(folder: Path) -> str:
    """Which numbers of eight bits are among the weights saved in `folder`, where its configuration
    tells nothing of them; "" if none are.
    """
    from safetensors import safe_open

    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if "quantization_config" in config:
        return ""  # Transformers read them
    with safe_open(folder / "model.safetensors", "numpy") as file:
        kinds = {file.get_slice(name).get_dtype() for name in file.keys()}
    return next((kind for kind in sorted(kinds) if kind.startswith(("I8", "U8", "F8"))), "")


LAYER = re.compile(r"\.\d+\.")  # its number in the names of its weights


def left_out(there: Iterable[str], others: Iterable[str]) -> str:
    """The first layer among weights called `others` that is built like one of those called `there`;
    "" if there is none.
    """
    known = tuple(LAYER.sub(".0.", name, count=1) for name in there if LAYER.search(name))
    alike = (name for name in sorted(others) if LAYER.sub(".0.", name, count=1).endswith(known))
    return next((name[: found.end() - 1] for name in alike if (found := LAYER.search(name))), "")


def no_numbers(weights: Iterable[tuple[str, torch.Tensor]]) -> str:
    """That some of the (name, values) of a model are no numbers, with which it would give every text
    the same class; "" if all are.
    """
    wrong = [name for name, one in weights if one.is_floating_point() and not one.isfinite().all()]
    if not wrong:
        return ""
    return f"{wrong[0]} has values in model.safetensors that are no numbers (NaN) or infinite"


def opens(path: Path) -> bool:
    """Whether a file of weights is there and whole."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy"):
            return True
    except (OSError, SafetensorError):
        return False
