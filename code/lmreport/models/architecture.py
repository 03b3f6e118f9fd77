"""What an encoder is made of, whatever its family calls it: its layers, its heads' projections, and
how it knows positions.
"""

from __future__ import annotations

from pathlib import Path

from lmreport.core.errors import ReportError
from lmreport.core.listing import quoted
from lmreport.models import fitness, pretrained

FAMILIES = {  # by `model_type`, as their authors write them
    "albert": "ALBERT",
    "bert": "BERT",
    "deberta-v2": "DeBERTa",
    "distilbert": "DistilBERT",
    "electra": "ELECTRA",
    "modernbert": "ModernBERT",
    "mpnet": "MPNet",
    "roberta": "RoBERTa",
    "xlm-roberta": "XLM-RoBERTa",
}
PROJECTIONS = (  # ends of the name of the linear layer that joins the heads of a layer
    "attention.output.dense",  # BERT, RoBERTa, ELECTRA, DeBERTa
    "attention.out_lin",  # DistilBERT
    "attention.attn.o",  # MPNet
    "attention.dense",  # ALBERT
    "attn.Wo",  # ModernBERT
    "attn.out_proj",
    "attn.o_proj",
)
TABLES = ("position_embeddings", "position_embedding", "embed_positions")  # a row for each place
OFFSETS = ("relative_attention_bias", "rel_embeddings", "distance_embedding")  # for each distance


def family(config) -> str:
    """The name of a model's family, as a reader knows it."""
    return FAMILIES.get(config.model_type, config.model_type)


def sentences_apart(path: str) -> tuple[int, str]:
    """How many kinds of tokens the model at `path` has a vector for, by which BERT tells two
    sentences apart, and its family.
    """
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(path)
    return getattr(config, "type_vocab_size", 0) or 0, family(config)


def output_projections(model) -> list:
    """The linear layer that joins the heads, one for each layer in the order of computing; its
    input is their outputs side by side.

    Layers that share their weights (ALBERT's) give the same one several times. Raises ValueError
    where none has a name of PROJECTIONS.
    """
    found = [
        module
        for name, module in model.named_modules()
        if f".{name}".endswith(tuple(f".{end}" for end in PROJECTIONS))
    ]
    if not found:
        raise ValueError(f"{type(model).__name__} joins its heads in a way not known here")
    number = model.config.num_hidden_layers
    return [found[i * len(found) // number] for i in range(number)]


def layers(model) -> list:
    """The layers of an encoder, each module once: one alone where all share its weights."""
    from torch.nn import ModuleList

    lists = [module for module in model.modules() if isinstance(module, ModuleList)]
    found = []
    for projection in dict.fromkeys(output_projections(model)):
        inside = [part for parts in lists for part in parts if projection in part.modules()]
        found.append(inside[-1])  # of lists in lists the innermost
    return found


def usable(model: str, max_length: int | None = None) -> pretrained.Source:
    """As `fitness.located`. Raises ReportError also for a model of which the report cannot be
    made.
    """
    source = fitness.located(model, max_length)
    if what := unlike(source.path, fitness.configuration(Path(source.path))):
        raise ReportError(f"model: {quoted(source.name)} {what}; {fitness.FITS}")
    return source


def all_usable(settings) -> None:
    """Raises ReportError unless the report can be made of every model that `settings` name, and
    each is another one.
    """
    known = {usable(settings.model, settings.max_length): settings.model}
    for other in settings.others:
        source = usable(other.model, other.max_length)
        if source.why:
            raise ReportError(
                f"model: {other.model} cannot be compared, since it is not at hand. {source.why}"
            )
        for before, name in known.items():
            if source.digest == before.digest:
                raise ReportError(
                    f"model: {quoted(name)} and {quoted(other.model)} are the same weights here; name one once"
                )
            if source.name == before.name:
                raise ReportError(
                    f"model: {quoted(name)} and {quoted(other.model)} are both called {quoted(source.name)}, so a "
                    f"reader could not tell them apart; rename one of the folders"
                )
        known[source] = other.model


def unlike(path: str, config: dict) -> str:
    """Why the report cannot be made of the model at `path`, of a family that was not tried; "" for
    one of FAMILIES, and where a text goes through it as it should.
    """
    if config.get("model_type") in FAMILIES:
        return ""
    import torch
    from transformers import AutoModelForSequenceClassification

    from lmreport.models.tokenizer import load_tokenizer

    inputs = load_tokenizer(path)(["one text", "and another text"], padding=True)
    inputs = {name: torch.tensor(rows) for name, rows in inputs.items()}
    n = inputs["input_ids"].shape[1]
    try:
        model = AutoModelForSequenceClassification.from_pretrained(
            path, attn_implementation="eager"
        ).eval()
        joined = {layer.in_features for layer in output_projections(model)}
        with torch.inference_mode():
            found = model.base_model(**inputs, output_attentions=True)
            model(**inputs)
        maps = [tuple(one.shape) for one in found.attentions or ()]
        heads = model.config.num_attention_heads
        if maps != [(2, heads, n, n)] * model.config.num_hidden_layers:
            return "gives no attention of each word piece to each other"
        if not any(one[:, :, 0, 1].any() for one in found.attentions):
            return "shows each word piece only those before it, as a decoder does"
        if found.last_hidden_state.shape[1] != n or any(width % heads for width in joined):
            return "computes in another way than one vector for each word piece and layer"
    except Exception as error:  # whatever an untried kind leads to
        return f"fails on a text ({str(error).splitlines()[0] if str(error) else type(error).__name__})"
    return ""


def shares_layers(model) -> bool:
    """Whether several layers have the same weights."""
    return len(set(output_projections(model))) < model.config.num_hidden_layers


def embeddings(model) -> list:
    """The parameters of the part of an encoder that turns ids into vectors."""
    part = getattr(model, "embeddings", None) or model.get_input_embeddings()
    return list(part.parameters())


def position_table(model):
    """The vectors (places, d) that a model has learned to add to the words, as an array without the
    rows that no word takes; None where it has none.
    """
    for name, module in tables(model, TABLES).items():
        if module.weight.requires_grad and "rel" not in name:
            return module.weight.detach()[first_place(module) :].float().cpu().numpy()
    return None


def first_place(table) -> int:
    """The row of the first word: RoBERTa and its like count on from the row of the padding."""
    return 0 if table.padding_idx is None else table.padding_idx + 1


def tables(model, ends: tuple[str, ...]) -> dict:
    """{name: module} of the embeddings whose names end with one of `ends`."""
    from torch.nn import Embedding

    return {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, Embedding) and name.rpartition(".")[2] in ends
    }


def rotates(model) -> bool:
    """Whether queries and keys are turned by an angle that grows with the place (rotary)."""
    return any("Rotary" in type(module).__name__ for module in model.modules())


def positions(model) -> tuple[str, ...]:
    """How a model knows where a word stands: of "learned", "fixed", "relative", "rotary"."""
    added = [module.weight.requires_grad for module in tables(model, TABLES).values()]
    found = {
        "learned": any(added),
        "fixed": bool(added) and not any(added),
        "relative": bool(tables(model, OFFSETS)),
        "rotary": rotates(model),
    }
    return tuple(kind for kind, there in found.items() if there)


def known(model) -> tuple[tuple[str, ...], str]:
    """`positions` of a model, and its `family`."""
    return positions(model), family(model.config)


def order_alone_in_tables(model) -> bool:
    """Whether a model knows nothing of order but what tables of embeddings tell it."""
    from torch.nn import Conv1d

    known = positions(model)
    convolved = any(isinstance(module, Conv1d) for module in model.modules())
    return bool({"learned", "fixed", "relative"} & set(known)) and not (
        "rotary" in known or convolved or getattr(model.config, "sliding_window", None)
    )


def position_parameters(model) -> dict:
    """{name: weights} of all tables that tell a model where a word stands."""
    found = tables(model, (*TABLES, *OFFSETS))
    return {f"{name}.weight": module.weight.detach() for name, module in found.items()}


def longest(model) -> int:
    """How many word pieces of a text a model can read, with the special ones; 0 for no bound."""
    table = position_table(model)
    return fitness.positions(model.config.to_dict()) if table is None else len(table)
