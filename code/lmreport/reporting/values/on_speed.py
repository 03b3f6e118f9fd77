"""Values of the supplement's section on speed, on a processor and on a GPU."""

from __future__ import annotations

from lmreport.core import listing
from lmreport.display import markdown
from lmreport.display.traced import MarkdownText
from lmreport.models import fast_finetune
from lmreport.reporting import notices, speed
from lmreport.reporting.values import named


@named
def of_what_is_left_out(bench, gpu, corpus, classes: int):
    """Which runs are lacking on `corpus` for the parts of the section: on_processor, in_bf16,
    on_gpu, each a list of names; what, names, cannot: for the sentence in their place; of_gpu,
    of_models: limits of what is there. classes: how many the data have.
    """
    lacking = {
        "on a processor": notices.of_other_data(
            corpus, *(bench[name] for name in PARTS if name in bench)
        ),
        "on a GPU": notices.of_other_data(corpus, *(gpu[name] for name in PARTS if name in gpu)),
        "in bf16": notices.of_other_data(corpus, bench["bf16"]),
    }
    on_processor, on_gpu, in_bf16 = lacking.values()
    tables = ["@tbl-speed"] * (not on_processor) + ["@tbl-speed-gpu"] * (not on_gpu)
    return dict(
        on_processor=on_processor,
        in_bf16=in_bf16,
        on_gpu=on_gpu,
        everything=bool(on_processor and in_bf16 and on_gpu),
        what="What makes training and prediction fast "
        + listing.joined([part for part, names in lacking.items() if names]),
        names=list(dict.fromkeys(on_processor + on_gpu + in_bf16)),
        cannot="the models that are timed know fewer classes than these data have"
        * (classes > TIMED),
        of_gpu=MarkdownText(
            ""
            if on_gpu
            else "On the GPU's machine the repeats differ much more, and compiling was timed once."
        ),
        of_models=MarkdownText(
            f"The models of {listing.joined(tables)} have random weights, which does not change "
            "their speed."
            if tables
            else ""
        ),
    )


PARTS = ("train", "predict", "accuracy")
TIMED = 4  # classes of the models of `bench.training`


@named
def of_processor(bench):
    """Training, prediction and reading on a processor."""
    stock, batched, int8 = (speed.of(bench["predict"], "samples_per_s", at) for at in (0, 1, -1))
    return dict(
        minilm=markdown.num(speed.gain(bench["train"], "minilm"), 2),
        distilbert=markdown.num(speed.gain(bench["train"], "distilbert"), 2),
        cores=markdown.count(bench["train"].made["hardware"]["cores"]),
        stock=markdown.num(int8 / stock, 2),
        batched=markdown.num(int8 / batched, 2),
        bits=MarkdownText(speed.fewer_bits(bench, "int8")),
        padding=markdown.pct(speed.of(bench["train"], "minilm_padding_share", 2)),
        budget=markdown.count(fast_finetune.BUDGET["cpu"]),
        minilm_share=markdown.pct(bench["train"]["minilm_share_of_matrix_rate"], 0),
        distilbert_share=markdown.pct(bench["train"]["distilbert_share_of_matrix_rate"], 0),
        accurate=MarkdownText(speed.as_accurate(bench)),
        rows=markdown.count(speed.of(bench["scale"], "rows", -1)),
        exponent=markdown.fixed(bench["scale"]["exponent"], 2),
        least_memory=markdown.num(speed.of(bench["scale"], "peak_mb", 0)),
        most_memory=markdown.num(speed.of(bench["scale"], "peak_mb", -1)),
    )


@named
def of_bf16(record):
    """Training and prediction on a processor that computes in bf16, and what fewer bits change."""
    stock, int8, bits16 = (speed.of(record, "samples_per_s", at) for at in (0, -2, -1))
    return dict(
        processor=MarkdownText(markdown.plain(record.made["hardware"]["cpu"])),
        cores=markdown.count(record.made["hardware"]["cores"]),
        minilm=markdown.num(speed.gain(record, "minilm"), 2),
        distilbert=markdown.num(speed.gain(record, "distilbert"), 2),
        minilm_share=markdown.pct(record["minilm_share_of_matrix_rate"], 0),
        distilbert_share=markdown.pct(record["distilbert_share_of_matrix_rate"], 0),
        predicted=markdown.num(bits16 / stock, 2),
        int8=markdown.num(int8 / stock, 2),
        texts=markdown.count(record["compared_texts"]),
        changed=markdown.count(record["bf16_changed"]),
        points=markdown.fixed(abs(record["bf16_points"]), 2),
        int8_changed=markdown.count(record["int8_changed"]),
        int8_points=markdown.fixed(abs(record["int8_points"]), 2),
    )


@named
def of_gpu(gpu):
    """Training and prediction on a GPU."""
    one, batch32, bits16 = (speed.of(gpu["predict"], "samples_per_s", at) for at in (0, 1, -1))
    rates = speed.before_larger(gpu["train"], "samples_per_s")
    return dict(
        card=MarkdownText(markdown.plain(gpu["train"].made["hardware"]["gpu"])),
        minilm=markdown.num(speed.gain(gpu["train"], "minilm"), 2),
        distilbert=markdown.num(speed.gain(gpu["train"], "distilbert"), 2),
        spread_of_rows=markdown.num(max(rates) / min(rates), 2),
        spread=markdown.pct(max(speed.before_larger(gpu["train"], "spread")), 0),
        budget=markdown.count(fast_finetune.BUDGET["cuda"]),
        minilm_share=markdown.pct(gpu["train"]["minilm_share_of_matrix_rate"], 0),
        distilbert_share=markdown.pct(gpu["train"]["distilbert_share_of_matrix_rate"], 0),
        compiling_minilm=MarkdownText(speed.compiling(gpu["train"], "minilm")),
        compiling_distilbert=MarkdownText(speed.compiling(gpu["train"], "distilbert")),
        accurate=MarkdownText(speed.as_accurate(gpu)),
        one=markdown.num(bits16 / one, 2),
        batch32=markdown.num(bits16 / batch32, 2),
        bits=MarkdownText(speed.fewer_bits(gpu, "bf16")),
    )
