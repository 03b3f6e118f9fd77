"""All commands of the command line and their options, without what they do."""

from __future__ import annotations

import argparse

from lmreport import __version__
from lmreport.core.settings import HELP
from lmreport.runs.kinds import BENCHES, MODELS, STUDIES


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    top = argparse.ArgumentParser(
        prog="lmreport",
        description="Make the report on pre-trained language models, or one "
        "step of it. Every option can also be set as LMREPORT_<NAME> or in lmreport.toml.",
    )
    top.add_argument("--version", action="version", version=__version__)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name, text):
        return commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")

    command("doctor", "say what is installed and at hand, and how to fix each gap")
    settings_of(command("data", "get the data, verify it and say what it is"))
    training = settings_of(command("train", "train and record the models that have no record yet"))
    training.add_argument(
        "models",
        nargs="*",
        metavar="MODEL",
        help=f"which ones (default: all of {', '.join(MODELS)})",
    )
    training.add_argument("--force", action="store_true", help="train even if there is a record")
    one = settings_of(command("run", "make and record a run, if it has no record yet"))
    one.add_argument(
        "names",
        nargs="+",
        metavar="NAME",
        help=f"a model ({', '.join(MODELS)}), a study "
        f"({', '.join(STUDIES)}), a bench ({', '.join(BENCHES)}), or an experiment as the report "
        f"names it",
    )
    one.add_argument("--force", action="store_true", help="make it even if there is a record")
    one.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a size of a bench that is to be another one, as max_length=512",
    )
    settings_of(command("status", "list runs and outputs, which are stale or missing, and why"))
    listing = command("runs", "list all records")
    listing.add_argument("--json", action="store_true", help="as JSON")
    listing.add_argument(
        "--prove",
        nargs="*",
        metavar="NAME",
        help="carry records (of these kinds) over to changed "
        "code where a small run gives the same bytes by the old code and the new",
    )
    listing.add_argument(
        "--at",
        metavar="COMMIT",
        default="",
        help="with --prove: the old code (default: that of the "
        "commit which last wrote each record)",
    )
    listing.add_argument(
        "--probe", metavar="NAME", help="that small run of one kind: print the digest of its result"
    )
    asking = settings_of(
        command("predict", "tell the tag of a question with the fine-tuned Transformer")
    )
    asking.add_argument(
        "question", nargs="*", help="the text of the question (several: one answer each)"
    )
    asking.add_argument(
        "--file",
        help="a .txt (one text a line), .csv, .tsv, .json or .jsonl, or - for standard "
        "input: prints one tag a line, in its order",
    )
    asking.add_argument(
        "--column", default="text", help="column or field of the file that holds the texts"
    )
    asking.add_argument("--precision", default="auto", help="auto, fp32, bf16 or int8, for --file")
    asking.add_argument(
        "--weights", metavar="FOLDER", help="a fine-tuned model (default: the report's)"
    )
    rendering = settings_of(command("render", "make the report: HTML, PDF and executed notebook"))
    rendering.add_argument(
        "--to", default="html,typst", metavar="FORMATS", help="html, typst or both (default: both)"
    )
    rendering.add_argument("--profile", help="a profile of _quarto-<name>.yml")
    for name, text in (
        ("name", "of who hands it in"),
        ("email", "of who hands it in"),
        ("perm", "perm number"),
        ("date", "of the hand-in"),
        ("honor", "the honor statement"),
    ):
        rendering.add_argument(f"--{name}", help=f"{text}, shown at the top of the report")
    rendering.add_argument(
        "-P",
        dest="params",
        action="append",
        default=[],
        metavar="NAME:VALUE",
        help="a parameter of the report, as in quarto render -P",
    )
    rendering.add_argument(
        "--renderer",
        choices=("auto", "quarto", "own"),
        default="auto",
        help="auto takes quarto where it is installed",
    )
    rendering.add_argument(
        "--force", action="store_true", help="render even if nothing has changed"
    )
    verifying = command("verify", "compute every number of the finished report again and compare")
    verifying.add_argument(
        "page", nargs="?", help="the HTML page (default: _report/report/index.html)"
    )
    verifying.add_argument(
        "--lint", action="store_true", help="look for results typed into the documents instead"
    )
    checking = command(
        "check", "say whether the finished report can be handed in, and what must be fixed"
    )
    checking.add_argument(
        "--profile", help="the profile that is to be handed in (default: the finished page's)"
    )
    checking.add_argument(
        "--quick", action="store_true", help="without lmreport verify, which takes long"
    )
    checking.add_argument("--json", action="store_true", help="as JSON")
    citing = command("cite", "print how to cite the report, or one figure or table of it")
    citing.add_argument(
        "label", nargs="?", default="", help="as in the report: fig-confusion, tbl-accuracy …"
    )
    citing.add_argument(
        "--json", dest="form", action="store_const", const="json", default="", help="only CSL-JSON"
    )
    citing.add_argument(
        "--bibtex", dest="form", action="store_const", const="bibtex", help="only BibTeX"
    )
    handing_in = command("submit", "write _report/submission.zip, the file to hand in")
    handing_in.add_argument("--profile", help="the profile that the report was made with")
    command("export", "write the figures and tables of the finished report into _report/figures")
    return top


def settings_of(command):
    """The options that fill the settings object."""
    for name, text in HELP.items():
        command.add_argument(f"--{name.replace('_', '-')}", help=text)
    return command


def given(arguments) -> dict:
    """The settings among the parsed arguments."""
    import dataclasses

    from lmreport.core.settings import Settings

    return {f.name: getattr(arguments, f.name, None) for f in dataclasses.fields(Settings)}


def loaded(arguments):
    """The settings that hold with the parsed arguments."""
    from lmreport.core.settings import load, resolved

    return resolved(load(**given(arguments)))
