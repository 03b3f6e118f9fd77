"""What a reader must know before the first number: which data, which model, which scale."""

from __future__ import annotations

from lmreport.display import again, markdown
from lmreport.display.traced import MarkdownText, fill
from lmreport.runs import freshness
from lmreport.runs.records import all_records, edition, full_scale, newest


def notices(corpus, source, class_names: list[str], recorded: bool):
    """Callouts for the top of the report: which data, and what is recorded but stale."""
    found = []
    if corpus.kind == "sample":
        found.append(
            markdown.callout(
                "important",
                "Made on the sample, not on the real data",
                (
                    f"{corpus.note or 'The settings ask for the sample.'} What this render trained "
                    f"itself says little about "
                    "the real data and stands apart, in the supplement."
                    + (
                        " The answers speak of recorded results on the real data."
                        if recorded
                        else ""
                    )
                ),
            )
        )
    if corpus.kind == "other":
        found.append(
            markdown.callout(
                "important",
                "Made on other data than the assignment’s",
                (
                    f"These are “{markdown.plain(corpus.name)}”, texts of {len(class_names)} "
                    f"classes: {', '.join(map(markdown.plain, class_names))}. Where the report "
                    f"says question and tag, read text and "
                    "class. The two questions of 6(b) are the assignment’s all the same."
                ),
            )
        )
    found += of_model(corpus, source, full_scale(corpus).get("transformer") if recorded else None)
    if not recorded:
        found.append(
            markdown.callout(
                "note",
                "A quick render",
                (
                    "No full-scale runs are recorded for these data, so the answers speak of small "
                    "runs made by this render. `LMREPORT_SCALE=full` trains on all texts."
                ),
            )
        )
    found += stale(newest(corpus))
    return markdown.markdown("\n".join(found))


def of_render(settings):
    """The callout for what a render trained itself: its scale."""
    found = []
    if settings.scale == "quick":
        found.append(
            markdown.callout(
                "note",
                "A quick render",
                (
                    f"This render trained on {markdown.count(settings.train_size)} texts at most, "
                    f"cut to {settings.max_length} "
                    "word pieces. `LMREPORT_SCALE=full` trains on all of them."
                ),
            )
        )
    return markdown.markdown("\n".join(found))


def of_model(corpus, source, answering) -> list[str]:
    """At most one callout: which model was loaded and why, of which one the answers speak, how to
    record one's own.

    answering: the recorded run that the answers speak of, None if they speak of this render's own
    runs.
    """
    model = markdown.plain(source.name)
    other = answering is not None and answering.inputs["model"]["digest"] != source.digest
    if not other:
        return (
            [markdown.callout("note", f"The model is {model}", markdown.plain(source.why))]
            if source.why
            else []
        )
    loaded = (
        source.why
        or f"The settings ask for {source.name}, and this render loads and fine-tunes it."
    )
    title = f"The model is {model}, the answers are about {markdown.plain(answering.label)}"
    return [
        markdown.callout(
            "note",
            title,
            str(
                fill(
                    "{} {} So the answers speak of the newest recorded one, which fine-tuned {} on "
                    "{} (training took {} there), and this render’s own run of {} stands beside it "
                    "where the report shows both. {} records a run of {}, and the answers then "
                    "speak of that.",
                    loaded,
                    unrecorded(corpus, source),
                    answering.label,
                    answering.made["date"][:10],
                    markdown.duration(answering["train_seconds"]),
                    source.name,
                    MarkdownText(f"`{full_run(corpus, source)}`"),
                    source.name,
                )
            ),
        )
    ]


def unrecorded(corpus, source) -> str:
    """Whether a full-scale run of this model is recorded on these data, in a sentence."""
    if any(
        record.name == "transformer"
        and record.inputs["model"]["digest"] == source.digest
        and record.inputs["data"]["digest"] == edition(corpus)
        for record in all_records()
    ):
        return f"A full-scale run of {source.name} is recorded, and a newer one of another model."
    return f"No full-scale run of {source.name} is recorded on these data."


def full_run(corpus, source) -> str:
    """The command that records a full-scale run of this model on the data that the answers are
    of.
    """
    inputs = {
        "data": {"digest": edition(corpus), "kind": corpus.kind, "name": corpus.name},
        "model": {"name": source.name, "digest": source.digest},
    }
    return " ".join(["lmreport run transformer --scale full", *again.of_inputs(inputs)])


def of_other_data(corpus, *records):
    """A callout that names which of the recorded measurements are of other data than those of this
    render.
    """
    others = [record for record in records if record.inputs["data"]["digest"] != edition(corpus)]
    if not others:
        return None
    data = dict.fromkeys(markdown.plain(record.inputs["data"]["name"]) for record in others)
    return markdown.markdown(
        markdown.callout(
            "important",
            "Recorded on other data",
            (
                f"Measured on {' and '.join(f'“{name}”' for name in data)} and not on these data: "
                f"{', '.join(dict.fromkeys(record.label for record in others))}. They stand here "
                f"as examples, since nothing of "
                "this kind is recorded for these data."
            ),
        )
    )


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
