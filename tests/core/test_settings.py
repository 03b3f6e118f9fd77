"""What decides a run: precedence, and one clear sentence for every wrong value."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lmreport.cli import main
from lmreport.core import author, settings
from lmreport.core.errors import ReportError


@pytest.fixture(autouse=True)
def clean(monkeypatch, tmp_path):
    for name in [n for n in os.environ if n.startswith("LMREPORT_") and n != "LMREPORT_CACHE"]:
        monkeypatch.delenv(name)
    (tmp_path / "_quarto.yml").write_text("")
    return tmp_path


def test_argument_beats_environment_beats_file_beats_default(clean, monkeypatch):
    assert settings.load(clean).seed == settings.Settings().seed
    (clean / "lmreport.toml").write_text('seed = 3\nmodel = "from-file"\n')
    assert settings.load(clean).seed == 3
    monkeypatch.setenv("LMREPORT_SEED", "4")
    assert (settings.load(clean).seed, settings.load(clean).model) == (4, "from-file")
    assert settings.load(clean, seed="5").seed == 5


@pytest.mark.parametrize(
    "name, value, said",
    [
        ("HF_HUB_DOWNLOAD_TIMEOUT", "30s", "is '30s', which is no whole number"),
        ("HF_HUB_ETAG_TIMEOUT", "1.5", "is '1.5', which is no whole number"),
        ("HF_DATASETS_IN_MEMORY_MAX_SIZE", "2GB", "is '2GB', which is no number"),
        ("HF_HUB_DOWNLOAD_TIMEOUT", "", "is '', which is no whole number"),
        ("SOURCE_DATE_EPOCH", "now", "is 'now', which is no time in seconds since 1970"),
        ("SOURCE_DATE_EPOCH", "9" * 14, "is '99999999999999', which is no time in seconds since"),
    ],
)
def test_a_variable_that_a_library_would_break_off_at_is_told(
    monkeypatch, capsys, name, value, said
):
    monkeypatch.setenv(name, value)
    for command in (["status"], ["doctor"], ["train", "lstm"]):
        assert main.main(command) == 2
        assert f"lmreport: {name} {said}" in (told := capsys.readouterr().err)
        assert "; unset it, or correct it" in told


def test_a_cache_where_no_folder_can_be_made_is_told(monkeypatch):
    monkeypatch.setenv("LMREPORT_CACHE", "/proc/mine")
    error = FileNotFoundError(errno.ENOENT, "No such file or directory", "/proc/mine/runs")
    assert "/proc/mine/runs cannot be used (No such file" in main.said_of(error)
    assert main.said_of(FileNotFoundError(errno.ENOENT, "No such file", "elsewhere")) == ""


@pytest.mark.parametrize("start", [".", "elsewhere"])
def test_a_path_holds_in_every_folder(clean, monkeypatch, start):
    """The cells of the report run in report/, not where the command was typed."""
    (clean / "elsewhere").mkdir()
    monkeypatch.chdir(clean / start)
    archive, model = clean / "my.tar.gz", clean / "my model"
    archive.write_text("")
    model.mkdir()
    relative = os.path.relpath(archive)
    assert (
        settings.load(data=relative).data == str(archive) == settings.load(data=str(archive)).data
    )
    monkeypatch.setenv("LMREPORT_MODEL", "my model")  # from the project's root too
    assert settings.load().model == str(model)
    (clean / "my.toml").write_text('data = "my.tar.gz"\n')
    monkeypatch.setenv("LMREPORT_SETTINGS", "my.toml")
    assert settings.load().data == str(archive)
    for name in ("auto", "sample", "https://host/my.tar.gz", "nowhere.tar.gz"):
        assert settings.load(data=name).data == name


@pytest.mark.parametrize(
    "given, said",
    [
        ({"sede": 1}, "did you mean 'seed'"),
        ({"scale": "big"}, "none of quick, full, auto"),
        ({"epochs": "three"}, "not a whole number"),
        ({"epochs": 0}, "at least 1"),
        ({"learning_rate": "2"}, "between 0 and 1"),
        ({"max_length": 1024}, "more than 512 word pieces, BERT's limit"),
        ({"seed": 99999999999}, r"below 2\^32"),
    ],
)
def test_wrong_values_are_named_with_their_fix(clean, given, said):
    with pytest.raises(ReportError, match=said):
        settings.load(clean, **given)


def test_several_models_are_parted_by_commas_and_a_folder_with_a_comma_is_one(clean, monkeypatch):
    monkeypatch.chdir(clean)
    (clean / "mine").mkdir()
    found = settings.load(clean, model="bert-base-uncased, mine,bert-base-uncased", epochs=3)
    assert (found.model, found.also) == ("bert-base-uncased", str(clean / "mine"))
    (other,) = found.others
    assert (other.model, other.also, other.epochs) == (str(clean / "mine"), "", 3)
    again = settings.load(clean, settings.variables({"model": found.models, "epochs": 3}))
    assert again == found
    (clean / "large, cased").mkdir()
    assert settings.load(clean, model="large, cased").models == str(clean / "large, cased")
    with pytest.raises(ReportError, match="'bert-base-uncased,' has an empty name"):
        settings.load(clean, model="bert-base-uncased,")
    with pytest.raises(ReportError, match="predict: takes one model.*as 'bert-base-uncased'"):
        settings.one_model(found, "predict")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps a folder that is in use")
def test_a_working_folder_that_was_deleted_is_told_in_one_sentence(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    command = f"import os; os.rmdir({str(gone)!r}); from lmreport.cli.main import main; "
    done = subprocess.run(
        [sys.executable, "-c", command + "raise SystemExit(main(['status']))"],
        cwd=gone,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 2 and "does not exist any more" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows knows each user")
def test_a_user_without_a_name_and_a_home_is_told_what_to_set(clean, monkeypatch, capsys):
    import pwd

    def unknown(number):
        raise KeyError(f"getpwuid(): uid not found: {number}")

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    for name in ("HOME", "LMREPORT_CACHE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ReportError, match="home folder of this user is not known; set HOME to"):
        settings.cache_root()
    assert settings.home() is None
    monkeypatch.setenv("LMREPORT_CACHE", "/kept")
    assert settings.cache_root() == Path("/kept")
    monkeypatch.setitem(main.COMMANDS, "runs", lambda _: Path("~/a").expanduser())  # a library
    assert main.main(["runs"]) == 2 and "set HOME to a folder\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    "line, said",
    [
        (r'data = "C:\Users\ann\a.csv"', r"not valid TOML .*, one with \\ in single quotes"),
        ("[settings]\nseed = 3", r"settings stand in no table; leave out \[settings\]"),
        ("seed = [1, 2]", r"seed: \[1, 2\] is a list; give one value"),
    ],
)
def test_what_a_settings_file_cannot_mean_is_told_with_the_remedy(clean, line, said):
    (clean / "lmreport.toml").write_text(line + "\n")
    with pytest.raises(ReportError, match=said):
        settings.load(clean)


def test_an_empty_text_is_no_setting_and_models_may_be_a_list(clean):
    (clean / "lmreport.toml").write_text('data = ""\nmodel = ["one", "two"]\n')
    found = settings.load(clean)
    assert (found.data, found.model, found.also) == (settings.Settings().data, "one", "two")


def test_unknown_environment_variable_is_an_error(clean, monkeypatch):
    monkeypatch.setenv("LMREPORT_EPOCH", "2")
    with pytest.raises(ReportError, match="'epoch'.*'epochs'"):
        settings.load(clean)


@pytest.mark.parametrize(
    "name, said",
    [
        ("perm", "give it to lmreport render as --perm, or write it into lmreport.toml"),
        ("profile", "give it to lmreport render as --profile"),
        ("emial", "did you mean 'email'"),
        ("colour", "known are data, model, scale, "),
    ],
)
def test_a_parameter_that_is_no_setting_is_told_with_its_place(
    clean, monkeypatch, caplog, name, said
):
    monkeypatch.chdir(clean)
    (clean / "index.qmd").write_text("A text.")
    assert main.main(["render", "--renderer", "own", "-P", f"{name}:1349881______008"]) == 2
    assert f"unknown setting '{name}'; {said}" in caplog.text


def test_a_folder_of_the_name_of_the_default_model_holds_in_every_folder(clean, monkeypatch):
    """A clone of the hub's model in the project: what trains and the cells agree on it."""
    (clean / "report").mkdir()
    model = clean / settings.Settings.model
    model.mkdir()
    for place in (clean, clean / "report"):
        monkeypatch.chdir(place)
        assert settings.load().model == str(model)


def test_broken_and_missing_settings_files(clean, monkeypatch):
    (clean / "lmreport.toml").write_text("seed = ")
    with pytest.raises(ReportError, match="lmreport.toml: not valid TOML"):
        settings.load(clean)
    for line in ("perm = 0291238", "name = Ada", "date = 29.11.2026"):
        (clean / "lmreport.toml").write_text(line)
        with pytest.raises(ReportError, match='each text in double quotes, .* perm = "0123456"'):
            settings.load(clean)
    (clean / "lmreport.toml").write_bytes(b"\xef\xbb\xbfseed = 3\n")  # as Notepad saves UTF-8
    assert settings.load(clean).seed == 3
    (clean / "lmreport.toml").write_bytes(b'name = "\xff"')
    with pytest.raises(ReportError, match="lmreport.toml cannot be read as UTF-8"):
        settings.load(clean)
    monkeypatch.setenv("LMREPORT_SETTINGS", str(clean / "none.toml"))
    with pytest.raises(ReportError, match="there is no file"):
        settings.load(clean)


def test_resolving_leaves_nothing_open_and_keeps_what_was_given(clean):
    quick = settings.resolved(settings.load(clean, max_length=64), "cpu")
    assert quick.scale == "quick" and quick.max_length == 64
    on_gpu = settings.resolved(settings.load(clean), "cuda")
    assert (on_gpu.scale, on_gpu.max_length, on_gpu.train_size) == ("full", 512, 0)
    assert None not in vars(quick).values() and None not in vars(on_gpu).values()


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "lmreport.cli", *arguments],
        capture_output=True,
        text=True,
        env=os.environ | environment,
    )


def test_bad_input_on_the_command_line_is_one_sentence_and_status_2():
    done = run("data", LMREPORT_SCALE="huge")
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "'huge'" in done.stderr


@pytest.mark.parametrize(
    "arguments, environment, said",
    [
        (["data", "--data", "sample"], {}, "digest"),
        (["status", "--data", "/nope"], {}, "no file or folder '/nope'"),
        (["predict", "--file", "/nope.txt"], {}, "/nope.txt cannot be read"),
        (["predict", "--file", "-", "--precision", "two"], {}, "'two' is none of"),
        (
            ["train", "bag_of_words", "--data", "sample"],
            {"LMREPORT_CACHE": "/etc/passwd"},
            "/etc/passwd",
        ),
    ],
)
def test_what_is_wrong_is_told_at_once_and_without_a_traceback(
    arguments, environment, said, tmp_path
):
    done = subprocess.run(
        [sys.executable, "-m", "lmreport", *arguments],
        capture_output=True,
        text=True,
        env=os.environ | {"LMREPORT_CACHE": str(tmp_path)} | environment,
        timeout=60,
    )
    assert "Traceback" not in done.stderr and said in done.stdout + done.stderr, done.stderr
    assert done.returncode == (0 if said == "digest" else 2) and "training" not in done.stderr
    assert done.returncode == 0 or not done.stdout  # nothing is told of other data, say


def test_a_wrong_model_is_told_before_anything_is_trained(tmp_path):
    done = run(
        "train",
        "--model",
        str(tmp_path),
        "--data",
        "sample",
        LMREPORT_CACHE=str(tmp_path / "cache"),
    )
    assert (
        done.returncode == 2
        and "lacks config.json" in done.stderr
        and "training" not in done.stderr
    )


def test_doctor_names_each_part_and_how_to_fix_a_gap():
    done = run("doctor", LMREPORT_DATA="nowhere.tar.gz")
    assert done.returncode == 1 and "FAIL  data: there is no 'nowhere.tar.gz'" in done.stdout
    assert "→ set LMREPORT_DATA" in done.stdout
    for part in ("Python 3", "pinned packages", "quarto", "GPU", "model", "disk"):
        assert part in done.stdout


def test_help_comes_at_once_and_without_heavy_libraries():
    code = (
        "import sys, lmreport.cli.main; print([m for m in ('torch', 'tensorflow', 'transformers', "
        "'matplotlib', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
    for command in ("doctor", "data", "train", "predict", "render"):
        assert "usage: lmreport " + command in run(command, "--help").stdout


def test_two_names_in_a_list_are_told_to_be_one_text(tmp_path):
    (tmp_path / "_quarto.yml").touch()
    (tmp_path / "lmreport.toml").write_text('name = ["Ada", "Charles"]')
    with pytest.raises(ReportError, match="name: .* is a list; give one value"):
        author.load(tmp_path, {})
