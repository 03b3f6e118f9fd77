"""Values of questions 3 and 4b: recurrence, attention, positions, masks, foundation models."""

from __future__ import annotations

from lmreport.display import markdown
from lmreport.display.traced import MarkdownText, fill, strong
from lmreport.experiments.concepts import attention, foundation, masks
from lmreport.reporting import learning_curve, metrics, sentences, studies
from lmreport.reporting.values import named
from lmreport.runs import records

PASSED = 0.9  # accuracy from which on a distance counts as recalled


@named
def of_recurrence(fading, recalled):
    """What fades and what is learned, by layer (3a)."""
    return dict(
        far=markdown.count(fading["distance"][-1]),
        rnn_left=markdown.num(fading["rnn"][-1], 1),
        lstm_left=markdown.num(fading["lstm"][-1], 1),
        open_left=markdown.num(fading["lstm_keep"][-1], 2),
        attention_left=markdown.num(fading["attention"][-1], 2),
        open_reach=markdown.count(reach(recalled, "lstm_keep")),
        attention_reach=markdown.count(reach(recalled, "attention")),
    )


def reach(recalled, layer: str) -> int:
    """The greatest distance at which a layer still passes nine of ten tests; 0 if there is none."""
    passed = zip(recalled["distances"], recalled[layer].mean(1), strict=True)
    return max((int(k) for k, accuracy in passed if accuracy > PASSED), default=0)


def by_hand(example):
    """The worked sentence, a row for each word: its question, whom it looks at, by their keys, and
    what it mostly takes over (3b).
    """
    rows = []
    asking = zip(
        example["words"], example["questions"], example["weights"], example["output"], strict=True
    )
    for word, question, weights, output in asking:
        cells = [markdown.fixed(weight, 2) for weight in weights]
        cells[weights.argmax()] = strong(cells[weights.argmax()])
        rows.append([word, question, *cells, example["values"][output.argmax()]])
    given = [example["values"][value.argmax()] for value in example["v"]]
    rows.append([MarkdownText("*value*"), "", *given, ""])
    keys = zip(example["words"], example["features"], strict=False)  # the last feature is no key
    return markdown.table(
        rows,
        ["word", "query", *(f"{word}: {key}" for word, key in keys), "takes over"],
        ("left", "left", *["right"] * 4, "left"),
        of=attention.worked_sentence,
    )


@named
def of_recall(attending, recurrent):
    """Recall of a word that may stand anywhere (3b)."""
    return dict(
        on_target=markdown.pct(attending["map"].diagonal().mean(), 0),
        attention=markdown.pct(attending["accuracy"].mean(), 0),
        lstm=markdown.pct(recurrent["accuracy"].mean(), 0),
        chance=markdown.pct(attending["chance"]),
    )


@named
def of_cheating(no_mask, right, late):
    """A tiny language model with no, a late and the right mask (3c)."""
    return dict(
        none_share=markdown.pct(no_mask["share"], 0),
        late_share=markdown.pct(late["share"], 0),
        right_share=markdown.pct(right["share"], 0),
    )


@named
def of_order(mixed, placed):
    """What the order of the words is worth to the fine-tuned model, and how the loaded one knows
    positions (`positions.known`) where it is not by learned vectors (3c).
    """
    falls, known = studies.shuffled_falls(mixed), tuple(placed["kinds"])
    return dict(
        model=MarkdownText(
            ""
            if known == ("learned",)
            else f"In {placed['family']}, which this render loads, it is so: {sentences.of_positions(known)}"
        ),
        needed=of_order_needed(mixed, falls),
    )


def of_order_needed(mixed, falls: list) -> MarkdownText:
    """Whether the task needs the order of the words; falls: those of the accuracy, smallest
    first.
    """
    fall = falls[-1]
    if not studies.has_learned(mixed):
        return MarkdownText(
            "Whether our task depends on word order cannot be told from a model that has learned so "
            "little"
        )
    if fall <= 0:
        return MarkdownText("Our task hardly depends on word order: no shuffle costs accuracy")
    return fill(
        "Our task {} word order: the worst of {} shuffles costs the fine-tuned model {} points on "
        "{} test texts",
        markdown.more_or_less(fall, 0.1, "depends on", "depends little on", "depends little on"),
        markdown.count(len(falls)),
        markdown.fixed(100 * fall, 1),
        markdown.count(len(mixed["labels"])),
    )


@named
def of_padding(tagged, is_answering: bool):
    """What padding without the mask does to the tags (3c); is_answering: whether the model
    that was tried is that of the answers."""
    return dict(
        whose=MarkdownText(
            ""
            if is_answering
            else "(The model is not that of 6b but one that [this report trains](supplement.html#sec-live).)"
        ),
        tags=of_flips(tagged),
    )


def of_flips(tagged: list[dict]) -> MarkdownText:
    """What padding without the mask does to the tags of the two questions of 6b."""
    flips = [masks.flips_at(padding) for padding in tagged]
    if not tagged:
        return MarkdownText("The text's vector turns; whether its tag changes was not tested here.")
    verdicts = [
        flip_of(padding, flip, i)
        for i, (padding, flip) in enumerate(zip(tagged, flips, strict=True), 1)
    ]
    return fill("{} {}", *verdicts)


def flip_of(padding: dict, flip: int | None, number: int) -> MarkdownText:
    """The same for one of them."""
    name = MarkdownText(f"({'i' * number})")
    first = markdown.word(int(padding["without"][0].argmax()), *padding["classes"])
    if flip is None:
        return fill("Question {} keeps its tag, {}.", name, first)
    after = padding["without"][list(padding["pads"]).index(flip)]
    return fill(
        "Question {} changes its tag from {} to {} at {} tokens of padding.",
        name,
        first,
        markdown.word(int(after.argmax()), *padding["classes"]),
        markdown.count(flip),
    )


@named
def of_both_classes(encoder, with_head, new_weights, tokenizer):
    """The two classes of Transformers on one checkpoint (4b)."""
    read = foundation.read_by_head(with_head, tokenizer)
    share = foundation.parameters(with_head, tuple(new_weights)) / foundation.parameters(with_head)
    return dict(
        share=fill("only {}", markdown.pct(share, 3)) if share < 0.01 else markdown.pct(share),
        new=MarkdownText("new" if new_weights else "trained before"),
        read=MarkdownText(
            f"that of `{read[0]}`"
            + " after the pooler" * (foundation.pooler(with_head.base_model) > 0)
            if len(read) == 1
            else "the mean of those of all tokens"
        ),
        same=markdown.word(
            int(not foundation.same_encoder(encoder, with_head)),
            "tensor by tensor the same",
            "not the same",
        ),
    )


@named
def of_learning(curve, linear, bert):
    """Fine-tuned, frozen, from scratch and the SVM on few and on many texts (4b)."""
    done = curve.inputs["settings"]
    length = done["max_length"]
    of_bert = bert.inputs["settings"]
    less = length < of_bert["max_length"] and done["epochs"] < of_bert["epochs"]
    return dict(
        choose=learning_curve.choice(curve, linear),
        saved=learning_curve.saved(curve),
        few_texts=learning_curve.few_texts(curve, linear),
        read=fill(
            "{} test texts. The encoders read {} word pieces of each"
            + " and are trained less than in @tbl-accuracy" * less
            + "; the SVM reads whole texts",
            markdown.count(len(curve["labels"])),
            markdown.count(length),
        ),
    )


@named
def of_scratch(curve, lstm):
    """The Transformer without pre-training beside the LSTM, which has none either (4b)."""
    return dict(
        verdict=fill(
            "The LSTM of 6a, also without pre-training, gets {} of all test texts.",
            markdown.pct(metrics.accuracy(comparable(lstm, curve))),
        )
    )


def comparable(run, study):
    """`run`, or the newest recorded one of its kind that has data and scale in common with `study`
    where `run` has not.
    """

    def basis(record) -> tuple:
        return record.inputs["data"]["digest"], record.inputs["settings"]["scale"]

    kept = records.all_records(study.inputs["settings"]["scale"])
    same = [r for r in [run, *kept] if r.name == run.name and basis(r) == basis(study)]
    return same[0] if same else run
