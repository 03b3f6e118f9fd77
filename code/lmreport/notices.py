"""What a reader must know before the first number: which data, which model, which scale."""

from __future__ import annotations

from lmreport import runs, show, staleness


def notices(corpus, source, settings, class_names: list[str], recorded: bool):
    """Callouts for the top of the report: which data, which model instead of the one asked for, the scale."""
    found = []
    if corpus.kind == "sample":
        found.append(show.callout("important", "Made on the sample, not on the real data", (
            f"{corpus.note or 'The settings ask for the sample.'} What this render trained itself says little about "
            "the real data and stands apart from the recorded results on it."
            + (" The answers speak of those recorded results." if recorded else ""))))
    if corpus.kind == "other":
        found.append(show.callout("important", "Made on other data than the assignment’s", (
            f"These are “{show.plain(corpus.name)}”, texts of {len(class_names)} classes: "
            f"{', '.join(map(show.plain, class_names))}. Where the report says question and tag, read text and class. "
            "The two questions of 6(b) are the assignment’s all the same.")))
    if source.why:
        found.append(show.callout("note", f"The model is {source.name}", show.plain(source.why)))
    if settings.scale == "quick":
        beside = ("The answers below speak of the recorded full-scale runs, and the quick results stand beside them."
                  if recorded else "`LMREPORT_SCALE=full` trains on all of them.")
        found.append(show.callout("note", "A quick render", (
            f"This render trained on {show.count(settings.train_size)} texts at most, cut to {settings.max_length} "
            f"word pieces. {beside}")))
    found += stale(runs.newest(corpus))
    return show.markdown("\n".join(found))


def of_other_data(corpus, *records):
    """A callout that names which of the recorded measurements are of other data than those of this render."""
    others = [record for record in records if record.inputs["data"]["digest"] != runs.edition(corpus)]
    if not others:
        return None
    data = dict.fromkeys(show.plain(record.inputs["data"]["name"]) for record in others)
    return show.markdown(show.callout("important", "Recorded on other data", (
        f"Measured on {' and '.join(f'“{name}”' for name in data)} and not on these data: "
        f"{', '.join(dict.fromkeys(record.label for record in others))}. They stand here as examples, since nothing of "
        "this kind is recorded for these data.")))


def stale(recorded: dict) -> list[str]:
    """A callout for recorded results that this code or these libraries would not give, or would not be known to."""
    lines = []
    for record in recorded.values():
        why = [*staleness.reasons(record), *staleness.of_another(record, recorded)]
        if why:
            lines.append(f"- {record.label}, recorded on {record.made['date'][:10]}: since then {', '.join(why)}. "
                         f"`lmreport run {record.name} --scale full` makes it anew.")
    return [show.callout("warning", "Recorded results that are stale", "\n".join(lines))] if lines else []
