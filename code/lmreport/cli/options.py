"""All commands of the command line and their options, without what they do."""

from __future__ import annotations

import argparse

from lmreport import __version__
from lmreport.core.settings import HELP
from lmreport.runs.kinds import BENCHES, MODELS, STUDIES

DASH = "; a text that begins with a dash stands behind --: lmreport predict -- TEXT"


class OfTexts(argparse.ArgumentParser):
    """Tells what to do where a text that `predict` shall read is taken for an option."""

    def error(self, message):
        mistaken = self.prog.endswith(" predict") and "ignored explicit argument" in message
        super().error(message + (DASH if mistaken else ""))


def parsed(argv: list[str] | None = None) -> argparse.Namespace:
    """The command and its options that were typed; ends the program where one is not known."""
    top = parser()
    arguments, unknown = top.parse_known_args(argv)
    if unknown:
        remedy = DASH if arguments.command == "predict" else ""
        top.error(f"unrecognized arguments: {' '.join(unknown)}{remedy}")
    return arguments


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    top = argparse.ArgumentParser(
        prog="lmreport",
        description="Make the report on pre-trained language models, or one "
        "step of it. Every option can also be set as LMREPORT_<NAME> or in lmreport.toml.",
    )
    top.add_argument("--version", action="version", version=__version__)
    commands = top.add_subparsers(
        dest="command", required=True, metavar="COMMAND", parser_class=OfTexts
    )
    for name, (text, has_settings, add_options) in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        if has_settings:
            settings_of(command)
        add_options(command)
    return top


def no_options(command: argparse.ArgumentParser) -> None:
    """Nothing beside what every such command has."""


def of_train(command: argparse.ArgumentParser) -> None:
    """Which models, and whether anew."""
    command.add_argument(
        "models",
        nargs="*",
        metavar="MODEL",
        help=f"which ones (default: all of {', '.join(MODELS)})",
    )
    command.add_argument("--force", action="store_true", help="train even if there is a record")


def of_run(command: argparse.ArgumentParser) -> None:
    """What is made, whether anew, and in which sizes."""
    command.add_argument(
        "names",
        nargs="+",
        metavar="NAME",
        help=f"a model ({', '.join(MODELS)}), a study "
        f"({', '.join(STUDIES)}), a bench ({', '.join(BENCHES)}), or an experiment as the report "
        f"names it",
    )
    command.add_argument("--force", action="store_true", help="make it even if there is a record")
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a size of a bench that is to be another one, as max_length=512",
    )


def of_runs(command: argparse.ArgumentParser) -> None:
    """The form of the list; or the records to prove, and by which code; or one probe."""
    command.add_argument("--json", action="store_true", help="as JSON")
    command.add_argument(
        "--prove",
        nargs="*",
        metavar="NAME",
        help="carry records (of these kinds) over to changed "
        "code where a small run gives the same bytes by the old code and the new",
    )
    command.add_argument(
        "--at",
        metavar="COMMIT",
        default="",
        help="with --prove: the old code (default: that of the "
        "commit which last wrote each record)",
    )
    command.add_argument(
        "--probe", metavar="NAME", help="that small run of one kind: print the digest of its result"
    )


def of_predict(command: argparse.ArgumentParser) -> None:
    """The texts, given or in a file, and the model and precision that tell their tags."""
    command.add_argument(
        "question", nargs="*", help="the text of the question (several: one answer each)"
    )
    command.add_argument(
        "--file",
        help="a .txt (one text a line), .csv, .tsv, .json, .jsonl or .parquet, or - for standard "
        "input: prints one tag a line, in its order",
    )
    command.add_argument(
        "--column", default="text", help="column or field of the file that holds the texts"
    )
    command.add_argument("--precision", default="auto", help="auto, fp32, bf16 or int8, for --file")
    command.add_argument(
        "--weights", metavar="FOLDER", help="a fine-tuned model (default: the report's)"
    )


def of_render(command: argparse.ArgumentParser) -> None:
    """Formats, who hands it in, parameters, and the renderer."""
    command.add_argument(
        "--to", default="html,typst", metavar="FORMATS", help="html, typst or both (default: both)"
    )
    command.add_argument("--profile", help="a profile of _quarto-<name>.yml")
    for name, text in (
        ("name", "of who hands it in"),
        ("email", "of who hands it in"),
        ("perm", "perm number"),
        ("date", "of the hand-in"),
        ("honor", "the honor statement"),
    ):
        command.add_argument(f"--{name}", help=f"{text}, shown at the top of the report")
    command.add_argument(
        "-P",
        dest="params",
        action="append",
        default=[],
        metavar="NAME:VALUE",
        help="a parameter of the report, as in quarto render -P",
    )
    command.add_argument(
        "--renderer",
        choices=("auto", "quarto", "own"),
        default="auto",
        help="auto takes quarto where it is installed",
    )
    command.add_argument("--force", action="store_true", help="render even if nothing has changed")


def of_verify(command: argparse.ArgumentParser) -> None:
    """Which page; or the look for typed results."""
    command.add_argument(
        "page", nargs="?", help="the HTML page (default: _report/report/index.html)"
    )
    command.add_argument(
        "--lint", action="store_true", help="look for results typed into the documents instead"
    )


def of_check(command: argparse.ArgumentParser) -> None:
    """What is to be handed in, how thoroughly it is checked, the form of the answer."""
    command.add_argument(
        "--profile", help="the profile that is to be handed in (default: the finished page's)"
    )
    command.add_argument(
        "--quick", action="store_true", help="without lmreport verify, which takes long"
    )
    command.add_argument("--json", action="store_true", help="as JSON")


def of_cite(command: argparse.ArgumentParser) -> None:
    """What is cited, and in which form."""
    command.add_argument(
        "label", nargs="?", default="", help="as in the report: fig-confusion, tbl-accuracy …"
    )
    command.add_argument(
        "--json", dest="form", action="store_const", const="json", default="", help="only CSL-JSON"
    )
    command.add_argument(
        "--bibtex", dest="form", action="store_const", const="bibtex", help="only BibTeX"
    )


def of_submit(command: argparse.ArgumentParser) -> None:
    """Which report."""
    command.add_argument("--profile", help="the profile that the report was made with")


# fmt: off
COMMANDS = {  # in the order of the help: {name: (what it does, whether it takes settings, its own options)}
    "doctor": ("say what is installed and at hand, and how to fix each gap", False, no_options),
    "data": ("get the data, verify it and say what it is", True, no_options),
    "train": ("train and record the models that have no record yet", True, of_train),
    "run": ("make and record a run, if it has no record yet", True, of_run),
    "status": ("list runs and outputs, which are stale or missing, and why", True, no_options),
    "runs": ("list all records", False, of_runs),
    "predict": ("tell the tag of a question with the fine-tuned Transformer", True, of_predict),
    "render": ("make the report: HTML, PDF and executed notebook", True, of_render),
    "verify": ("compute every number of the finished report again and compare", False, of_verify),
    "check": ("say whether the finished report can be handed in, and what must be fixed", False, of_check),
    "cite": ("print how to cite the report, or one figure or table of it", False, of_cite),
    "submit": ("write _report/submission.zip, the file to hand in", False, of_submit),
    "export": ("write the figures and tables of the finished report into _report/figures", False, no_options),
}
# fmt: on


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
