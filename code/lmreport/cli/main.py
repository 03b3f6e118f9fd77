"""The command line: each step of the road alone."""

from __future__ import annotations

import errno
import logging
import os
import sys
import tempfile
import time
from pathlib import Path

from lmreport.cli import options
from lmreport.core import listing, machine, progress
from lmreport.core.errors import ReportError, chain_of, is_http, no_space
from lmreport.core.settings import NO_HOME, cache_root, one_model, project_root, refuse_no_numbers
from lmreport.models import architecture
from lmreport.runs.kinds import BENCHES, KINDS, MODELS, STUDIES

log = logging.getLogger(__name__)


def doctor(arguments) -> int:
    from lmreport.cli import doctor

    return doctor.report()


def get_data(arguments) -> int:
    """Obtain the data and print where they are, how many texts each class has, and their faults."""
    from lmreport.data import download
    from lmreport.experiments import data_audit

    corpus = download.obtain(options.loaded(arguments).data)
    print(f"{corpus.name}, from {corpus.origin}\nfolder  {corpus.folder}\ndigest  {corpus.digest}")
    for split, numbers in corpus.counts().items():
        print(f"{split:<7} {sum(numbers.values()):,} texts: {listing.by_number(numbers)}")
    log.info("data: looking for copies")
    for finding in data_audit.findings(corpus) or ["no copies across the splits, no rare classes"]:
        print(f"found   {finding}")
    return 0


def train(arguments) -> int:
    """Train the models named, or all, and print the test accuracy of each. Raises ReportError for a
    name that is no model.
    """
    from lmreport.data import download
    from lmreport.models import scores
    from lmreport.runs import train as training

    unknown = [name for name in arguments.models if name not in MODELS]
    if unknown:
        raise ReportError(
            f"train: there is no model {unknown[0]!r}; {listing.nearest(unknown[0], MODELS)}"
        )
    progress.hide_bars()
    settings, names = options.loaded(arguments), arguments.models or MODELS
    if "transformer" in names:
        architecture.all_usable(settings)  # a wrong one is told before anything is trained
    corpus = download.obtain(settings.data)
    wanted = [(name, settings) for name in names]
    if "transformer" in names:
        wanted += [("transformer", other) for other in settings.others]
    for name, of_model in wanted:
        record = training.run(name, of_model, corpus, arguments.force)
        print(
            f"{record.label}: test accuracy "
            f"{scores.accuracy(record['logits'], record['labels']):.4f}, trained in "
            f"{record['train_seconds']:.0f} s on {record.made['date'][:10]} ({record.path.name})",
            flush=True,
        )
    return 0


def run(arguments) -> int:
    """Make the runs named: models, studies, benches, and experiments anew.

    Raises ReportError for a name that is none of these, for --set with anything but benches, and
    for an experiment that was not made here yet or is not forced.
    """
    from lmreport.data import download
    from lmreport.experiments import studies
    from lmreport.runs import memo

    wrong = [n for n in arguments.names if n not in MODELS + STUDIES + BENCHES and "." not in n]
    if wrong:
        raise ReportError(
            f"run: there is no run {wrong[0]!r}; {listing.nearest(wrong[0], MODELS + STUDIES + BENCHES)}"
        )
    if arguments.set and not set(arguments.names) <= set(BENCHES):
        raise ReportError(f"run: --set is for {', '.join(BENCHES)} only")
    progress.hide_bars()
    follow_last_report(arguments)
    settings = options.loaded(arguments)
    architecture.all_usable(settings)  # a wrong one is told before anything is trained
    for name in arguments.names:
        if name in MODELS:
            arguments.models = [name]
            train(arguments)
        elif name in STUDIES:
            one_model(settings, name)
            record = studies.run(name, settings, download.obtain(settings.data), arguments.force)
            print(
                f"{name}: {record['seconds']:.0f} s on {record.made['date'][:10]} "
                f"({record.path.name})",
                flush=True,
            )
        elif name in BENCHES:
            from lmreport.experiments.bench import main

            sizes = main.sizes_of(name.removeprefix("bench_"))
            main.run(
                name,
                sizes | main.chosen(arguments.set, sizes),
                settings,
                record=True,
                force=arguments.force,
            )
        elif not arguments.force:
            raise ReportError(
                f"run: {name} is no model, study or bench; if it is an experiment, it is kept "
                f"until its "
                "code changes, and --force makes it anew"
            )
        elif not memo.again(name):
            raise ReportError(
                f"run: no experiment {name!r} has been made here yet; a render makes it"
            )
    return 0


def follow_last_report(arguments) -> None:
    """Have the runs named be of the data and model of the last report, where none are named."""
    from lmreport.check import status

    asked = {name: value for name, value in options.given(arguments).items() if value}
    try:
        then = status.of_last_report(asked)
    except ReportError:  # there is no project here
        return
    if "model" in then and set(arguments.names) & set(STUDIES):
        then["model"] = then["model"].split(",")[0]  # a study takes one
    for name, value in then.items():
        setattr(arguments, name, value)
    if then:
        log.info(f"run: {' and '.join(then)} as in the last report; name others to choose them")


def tell_status(arguments) -> int:
    from lmreport.check import status

    return status.report(options.given(arguments))


def list_runs(arguments) -> int:
    """List the runs; or prove those that are stale, or print the probe of a kind. Raises
    ReportError for a kind that is not known.
    """
    import json

    from lmreport.check import status

    if arguments.probe:
        from lmreport.experiments import probes

        if arguments.probe not in KINDS:
            raise ReportError(
                f"--probe: there is no kind of run {arguments.probe!r}; {listing.nearest(arguments.probe, KINDS)}"
            )
        progress.hide_bars()
        print(json.dumps(probes.probe(arguments.probe)))
        return 0
    if arguments.prove is not None:
        from lmreport.runs import proof

        wrong = [name for name in arguments.prove if name not in KINDS]
        if wrong:
            raise ReportError(
                f"--prove: there is no kind of run {wrong[0]!r}; {listing.nearest(wrong[0], KINDS)}"
            )
        return proof.prove(arguments.prove, arguments.at)
    return status.listing(arguments.json)


def predict(arguments) -> int:
    from lmreport.cli import prediction

    return prediction.predict(arguments)


def render(arguments) -> int:
    """Make the report, and the zip file if both formats are wanted. Raises ReportError for a format
    that is not known, and for a parameter that is not NAME:VALUE.
    """
    from lmreport.cli import make_report
    from lmreport.core import author

    formats = tuple(dict.fromkeys(arguments.to.replace("pdf", "typst").split(",")))
    wrong = [f for f in formats if f not in ("html", "typst")]
    if wrong:
        raise ReportError(f"render: unknown format {wrong[0]!r}; give html, typst or html,typst")
    params = {}
    for pair in arguments.params:
        name, colon, value = pair.partition(":")
        if not (colon and name):
            raise ReportError(f"-P {pair!r} is not NAME:VALUE; write for example -P scale:quick")
        params[name] = value
    return make_report.report(
        options.given(arguments),
        formats,
        params,
        arguments.profile,
        arguments.renderer,
        arguments.force,
        author.given(arguments),
    )


def verify(arguments) -> int:
    from pathlib import Path

    from lmreport.check.numbers import lint
    from lmreport.check.numbers import verify as verify_page

    if arguments.lint:
        return lint.report()
    return verify_page.report(Path(arguments.page) if arguments.page else None)


def check(arguments) -> int:
    from lmreport.check import summary

    return summary.report(project_root(), arguments.profile, arguments.quick, arguments.json)


def cite(arguments) -> int:
    from lmreport.publish import cite

    print(cite.citation(project_root(), arguments.label, arguments.form), end="")
    return 0


def export(arguments) -> int:
    from lmreport.publish.export import export

    print(export(project_root())[0])
    return 0


def submit(arguments) -> int:
    from lmreport.publish import submission

    return submission.submit(project_root(), arguments.profile or os.environ.get("QUARTO_PROFILE"))


COMMANDS = {
    "doctor": doctor,
    "data": get_data,
    "train": train,
    "run": run,
    "status": tell_status,
    "runs": list_runs,
    "predict": predict,
    "render": render,
    "verify": verify,
    "check": check,
    "cite": cite,
    "submit": submit,
    "export": export,
}


OF_SEVERAL = ("LOCAL_RANK", "RANK", "WORLD_SIZE")
TRAINING = ("train", "run", "predict", "render")


def refuse_several(command: str) -> None:
    """Raises ReportError where a command that may train was started as one of several processes, or
    other work has left what says so: the training would wait for the others.
    """
    there = [name for name in OF_SEVERAL if os.environ.get(name)]
    if there and command in TRAINING:
        raise ReportError(
            f"{command}: {' and '.join(there)} in the environment says that several processes train "
            f"together, and this command is one alone; type unset {' '.join(there)}, or train with "
            "torchrun -m lmreport.launch"
        )


FEWEST_FILES = (
    256  # that a process may hold open: the default of macOS; kernels and TensorFlow need many
)


def refuse_few_files(command: str) -> None:
    """Raises ReportError where a command that may train or render may open so few files that its
    libraries would wait for ever.
    """
    try:
        import resource
    except ImportError:  # there is no such limit on Windows
        return
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if command in TRAINING and 0 <= most < FEWEST_FILES:
        raise ReportError(
            f"{command}: a program may open {most} files here, and this one needs up to "
            f"{FEWEST_FILES}; type ulimit -n {FEWEST_FILES}, in a new shell if that is refused"
        )


def tell_of_other_code() -> None:
    """Warn where the project at hand has code of its own and that of another one runs."""
    try:
        root = project_root()
    except ReportError:  # told by the commands that need one
        return
    own = root / "code" / "lmreport"
    if own.is_dir() and not own.samefile(machine.PACKAGE):
        log.warning(
            f"lmreport: this is the code of {machine.PACKAGE.parents[1]}, not that of {root}, as "
            "where a .venv was copied; to run its own, delete .venv there and make it anew, as "
            "README.md says"
        )


def main(argv: list[str] | None = None) -> int:
    """Run one command; 0 if all went well, 2 for bad input (one sentence on standard error), 130
    for Ctrl-C.
    """
    progress.write_all_letters()
    arguments = options.parsed(argv)
    progress.show()
    start = time.perf_counter()
    try:
        tell_of_other_code()
        refuse_several(arguments.command)
        refuse_few_files(arguments.command)
        refuse_no_numbers()
        progress.without_accelerate()
        progress.without_matplotlibs_warning()
        return COMMANDS[arguments.command](arguments)
    except BrokenPipeError:  # whoever read the output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        sentence = said_of(error)
        if not sentence:
            raise
        log.error(f"lmreport: {sentence}")
        return 2
    except KeyboardInterrupt as stopped:
        log.error(
            f"lmreport: stopped after {time.perf_counter() - start:.0f} s; "
            f"{str(stopped) or 'what was finished is kept, and the same command goes on from there'}"
        )
        return 130


NOT_USABLE = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EISDIR, errno.EEXIST)


def said_of(error: Exception) -> str:
    """What is wrong and what to do, for an error that is not the program's own; "" for its own."""
    if isinstance(error, ReportError):
        return str(error)
    if is_http(error):  # those of requests are OSErrors too
        return (
            f"the model hub cannot be asked ({error}); set HF_HUB_OFFLINE=1 to do without it, or "
            "LMREPORT_MODEL to a folder"
        )
    if isinstance(error, RuntimeError) and "home directory" in str(error):  # of pathlib
        return NO_HOME
    number = error.errno if isinstance(error, OSError) else None
    if no_space(error):
        name = getattr(error, "filename2", None) or getattr(error, "filename", None) or ""
        return f"no space left on the disk ({name or 'while writing'}); free some{elsewhere(name)}"
    if any(getattr(one, "errno", None) == errno.EFBIG for one in chain_of(error)):
        return (
            f"{getattr(error, 'filename', None) or 'a file'} would be larger than a file may be "
            "here; type ulimit -f unlimited, in a new shell if that is refused"
        )
    name = str(getattr(error, "filename", ""))
    lost = number == errno.ENOENT and name.startswith(str(cache_root()))
    if isinstance(error, OSError) and (number in NOT_USABLE or lost):
        return (
            f"{error.filename or 'a file'} cannot be used ({error.strerror}); make it readable and "
            "writable, or set LMREPORT_CACHE to another folder"
        )
    return ""


def elsewhere(name: str) -> str:
    """Which variable has a file on a full disk written elsewhere, both where none is named; "" if
    none does.
    """
    now = {"LMREPORT_CACHE": cache_root(), "TMPDIR": Path(tempfile.gettempdir())}
    path = Path(name).absolute()
    is_there = {
        "LMREPORT_CACHE": path.is_relative_to(now["LMREPORT_CACHE"]),
        "TMPDIR": str(path).startswith(str(now["TMPDIR"] / "lmreport-")),
    }
    others = [
        f"{one} to another folder (now {now[one]})" for one in now if is_there[one] or not name
    ]
    return f", or set {' or '.join(others)}" * bool(others)
