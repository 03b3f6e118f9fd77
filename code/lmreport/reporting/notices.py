"""What a reader must know before the first number: which data, which model, which scale."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lmreport.core import fonts, listing
from lmreport.core.settings import Settings, load, resolved
from lmreport.data import words
from lmreport.display import again, markdown
from lmreport.experiments import data_audit
from lmreport.reporting import tokenizing
from lmreport.runs import freshness
from lmreport.runs.kinds import MODELS, STUDIES
from lmreport.runs.records import edition, full_scale, is_of, newest


def notices(corpus, source, class_names: list[str], recorded: bool):
    """Callouts for the top of the report: which data, and what is recorded but stale."""
    callouts = []
    if corpus.kind == "sample":
        callouts.append(
            markdown.callout(
                "important",
                "Made on the sample, not on the real data",
                (
                    f"{corpus.note or 'The settings ask for the sample.'} What this render trained "
                    "itself says little about the real data"
                    + (
                        " and stands apart, in the supplement. The answers speak of recorded "
                        "results on the real data."
                        if recorded
                        else ", and the answers speak of it."
                    )
                ),
            )
        )
    if corpus.kind == "other":
        remarks = [
            *filter(None, [corpus.note, of_fonts(class_names)]),
            *data_audit.findings(corpus),
        ]
        callouts.append(
            markdown.callout(
                "important",
                "Made on other data than the assignment’s",
                (
                    f"These are “{markdown.plain(corpus.name)}”, texts of {len(class_names)} "
                    f"classes: {listing.some([*map(markdown.plain, class_names)])}. Where the report "
                    f"says question and tag, read text and "
                    f"class{of_units(corpus)}. The two questions of 6(b) are the assignment’s all the same."
                    + (
                        f" Of these data: {markdown.plain('; '.join(remarks), 2000)}."
                        if remarks
                        else ""
                    )
                ),
            )
        )
    if not (recorded and Settings.model in source.why):  # of DistilBERT the card says so itself
        callouts += of_model(source)
    callouts += of_letters(data_audit.strange(corpus.folder, corpus.digest, source.path), source)
    if not recorded:
        callouts.append(quick(corpus, source))
    callouts += stale(newest(corpus))
    return markdown.markdown("\n".join(callouts))


def of_units(corpus) -> str:
    """What else is to be read otherwise of texts without spaces between words."""
    first = next(Path(corpus.folder).glob("train/*/*.txt"), None)
    if first is None or words.unit(first.read_text(encoding="utf-8")) == "word":
        return ""
    return (
        ", and where it counts words, characters, since this script has no spaces between words; to "
        "bag of words a word is what stands between two marks of punctuation"
    )


def of_fonts(class_names: list[str]) -> str:
    """What is to be told where letters of class names have no font; "" where all have one."""
    lacking = fonts.lacking(class_names)
    if not lacking:
        return ""
    return (
        f"no font here has {fonts.numbered(lacking)}, of which class names are made, so that such "
        f"letters stand as ⟨U+…⟩ in figures and in the PDF{fonts.remedy()}"
    )


def of_letters(strange: dict, source) -> list[str]:
    """Callouts where the Transformer cannot read much of the texts; strange: `data_audit.strange`."""
    callouts = []
    if tokenizing.unknown(strange) >= tokenizing.MANY:
        parts, are = (
            ("characters", "belong to")
            if tokenizing.is_of_characters(strange)
            else ("word pieces", "stand for")
        )
        callouts.append(
            markdown.callout(
                "warning",
                "Much of these texts is unknown to the tokenizer",
                (
                    f"Of the {parts} of the training texts, "
                    f"{markdown.pct(tokenizing.unknown(strange))} {are} something that "
                    f"{markdown.plain(source.name)} does not know. It cannot tell these words "
                    "apart; a model for this language would."
                ),
            )
        )
    return callouts


def of_render(settings):
    """The callout for what a render trained itself: its scale."""
    callouts = []
    if settings.scale == "quick":
        many = settings.train_size
        texts = f"{markdown.count(many)} texts at most" if many else "all training texts"
        sentence = f"This render trained on {texts}, cut to {settings.max_length} word pieces for the Transformer."
        callouts.append(markdown.callout("note", "A quick render", sentence + at_full(settings)))
    return markdown.markdown("\n".join(callouts))


def at_full(settings) -> str:
    """What a render by these settings at the scale “full” would do more."""
    full = resolved(load(scale="full"))
    more = ["trains on all texts"] * bool(settings.train_size and not full.train_size)
    if full.max_length > settings.max_length:
        more.append(f"cuts them at {full.max_length} word pieces")
    return f" `LMREPORT_SCALE=full` {' and '.join(more)}." if more else ""


def of_model(source) -> list[str]:
    """A callout where another model was loaded than the settings ask for, with the reason."""
    if not source.why:
        return []
    title = f"The model is {markdown.plain(source.name)}"
    return [markdown.callout("note", title, markdown.plain(source.why))]


def quick(corpus, source) -> str:
    """The callout for answers from this render's own runs: why, and how to record full ones."""
    model, recorded = markdown.plain(source.name), full_scale(corpus)
    others = dict.fromkeys(
        markdown.plain(record.inputs["model"]["name"])
        for record in newest(corpus).values()
        if record.name in STUDIES and record.inputs["model"] and not is_of(record, source, corpus)
    )
    why = (
        f"The recorded full-scale runs fine-tuned {markdown.plain(recorded['transformer'].label)}, "
        f"and this render loads {model}."
        if set(MODELS) <= set(recorded)
        else "No full-scale runs are recorded for these data."
    )
    beside = (
        f" The recorded studies that stand beside them began with {' and '.join(others)}."
        if others
        else ""
    )
    return markdown.callout(
        "note",
        "A quick render",
        (
            f"{why} So every answer speaks of small runs that this render made of {model} and of "
            f"the other models. `{full_run(corpus, source, 'transformer')}` records a fine-tuning with "
            f"the full settings, and the answers then speak of that.{beside}"
        ),
    )


def full_run(corpus, source, *names: str) -> str:
    """The command that records full-scale runs of these names, with this model, on the data that
    the answers are of.
    """
    inputs = {
        "data": {"digest": edition(corpus), "kind": corpus.kind, "name": corpus.name},
        "model": {"name": source.name, "digest": source.digest},
    }
    length = again.of_length(source.path, "full")
    return " ".join(["lmreport run", *names, "--scale full", *again.of_inputs(inputs), *length])


def of_other_data(corpus, *records) -> list[str]:
    """The names of those of the recorded measurements that are of other data than those of this
    render; what rests on them is left out.
    """
    others = [record for record in records if record.inputs["data"]["digest"] != edition(corpus)]
    return list(dict.fromkeys(record.name for record in others))


def left_out(corpus, source, what: str, names: Sequence[str], where: str = "", cannot: str = ""):
    """What stands where a section is left out: that `what` was not measured on these data, and the
    command that does so, or why it `cannot` be. None where `names`, of the runs that are lacking,
    is empty.
    """
    if not names:
        return None
    command = f"`{full_run(corpus, source, *names)}` does so{where} and records it"
    return markdown.markdown(f"{what} was not measured on these data; {cannot or command}.")


def stale(recorded: dict) -> list[str]:
    """A callout for recorded results that this code or these libraries would not give, or would not
    be known to.
    """
    lines = []
    for record in recorded.values():
        why = [*freshness.reasons(record), *freshness.of_another(record, recorded)]
        if why:
            given = again.of_inputs(record.inputs)
            lines.append(
                f"- {record.label}, recorded on {record.made['date'][:10]}: since then "
                f"{', '.join(why)}. "
                f"`{' '.join(['lmreport run', record.name, '--scale full', *given])}` makes it "
                f"again."
            )
    return (
        [markdown.callout("warning", "Recorded results that are stale", "\n".join(lines))]
        if lines
        else []
    )
