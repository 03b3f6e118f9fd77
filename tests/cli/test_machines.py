"""What is installed on each system, and that the main road calls nothing that only some systems
have.
"""

import ast
import errno
import os
import re
import shutil
import ssl
import subprocess
import sys
import tomllib
from pathlib import Path

import filelock
import pytest
from huggingface_hub.errors import LocalEntryNotFoundError
from packaging.markers import default_environment
from packaging.requirements import Requirement

from lmreport.cli import doctor, main
from lmreport.core import lock
from lmreport.core.errors import ReportError
from lmreport.data import download, hub
from lmreport.models import pretrained

ROOT = Path(__file__).resolve().parents[2]
SYSTEMS = {  # as uv names them, and the package that TensorFlow has there
    "x86_64-manylinux_2_28": "tensorflow-cpu",
    "aarch64-manylinux_2_28": "tensorflow",
    "aarch64-apple-darwin": "tensorflow",
    "x86_64-pc-windows-msvc": "tensorflow-cpu",
}
UNIX = {"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog", "posix"}
UNIX_CALLS = {
    "getloadavg",
    "sysconf",
    "fork",
    "getuid",
    "uname",
    "sched_getaffinity",
    "killpg",
    "setsid",
    "mkfifo",
    "nice",
    "getpgid",
    "wait4",
}
GUARDED: set[tuple[str, str]] = set()  # (file, name) that is asked for with care


@pytest.mark.slow
@pytest.mark.parametrize("python", ["3.11", "3.13"])
@pytest.mark.parametrize("system", SYSTEMS)
def test_the_dependencies_resolve(system, python, tmp_path):
    uv = shutil.which("uv")
    if not uv:
        pytest.skip("uv is not installed (pip install uv)")
    done = subprocess.run(
        [
            uv,
            "pip",
            "compile",
            "--quiet",
            "--python-platform",
            system,
            "--python-version",
            python,
            "--extra",
            "test",
            "--no-header",
            str(ROOT / "pyproject.toml"),
        ],
        text=True,
        capture_output=True,
        cwd=tmp_path,
        env=os.environ | {"MACOSX_DEPLOYMENT_TARGET": "14.0"},
    )
    if re.search(
        r"dns error|Connection refused|Failed to fetch|timed out|client error", done.stderr
    ):
        pytest.skip("no package index can be reached")
    assert done.returncode == 0, done.stderr
    found = re.findall(r"^(tensorflow\S*)==", done.stdout, re.M)
    assert found == [SYSTEMS[system]], found


@pytest.mark.parametrize(
    "system, machine, package",
    [
        ("linux", "x86_64", "tensorflow-cpu"),
        ("linux", "aarch64", "tensorflow"),
        ("darwin", "arm64", "tensorflow"),
        ("win32", "AMD64", "tensorflow-cpu"),
    ],
)
def test_each_system_gets_one_tensorflow(system, machine, package):
    there = default_environment() | {
        "sys_platform": system,
        "platform_machine": machine,
        "extra": "",
    }
    wanted = map(
        Requirement, tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    )
    assert [
        one.name
        for one in wanted
        if one.name.startswith("tensorflow") and one.marker.evaluate(there)
    ] == [package]


def test_doctor_looks_for_the_packages_of_this_system_only():
    found = doctor.pinned(
        [
            "a==1.0",
            f"b==2.0; sys_platform == '{sys.platform}'",
            "c==3; sys_platform == 'other'",
            "d==4; extra == 'test'",
            "e>=5,<6",
        ]
    )
    assert found == {"a": "1.0", "b": "2.0"}


def test_nothing_is_imported_or_called_that_only_unix_has():
    for path in (ROOT / "code").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {
            alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names
        } | {node.module for node in tree.body if isinstance(node, ast.ImportFrom)}
        assert not names & UNIX, (path.name, names & UNIX)
        called = {
            node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "os"
        } & UNIX_CALLS
        assert {(path.name, name) for name in called} <= GUARDED, path


@pytest.fixture
def without_locks(monkeypatch, tmp_path):
    """The cache lies on a file system that cannot lock files, as some of a network."""

    def fails(self):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path))
    monkeypatch.setattr(filelock.FileLock, "_acquire", fails)
    return tmp_path


def test_a_cache_where_files_cannot_be_locked_is_told(without_locks, capsys):
    table = without_locks / "own.csv"
    table.write_text("text,label\n" + "".join(f"Text {i},{'ab'[i % 2]}\n" for i in range(300)))
    assert main.main(["data", "--data", str(table)]) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert f"files in {without_locks} cannot be locked (No locks available)" in said
    assert "set LMREPORT_CACHE to a folder on a disk of this machine" in said
    assert doctor.disk()[0] is False and "cannot be locked" in doctor.disk()[1]


def test_hub_files_that_cannot_be_locked_are_no_missing_network(without_locks, monkeypatch):
    error = OSError(errno.ENOLCK, "No locks available")
    monkeypatch.setattr(
        "huggingface_hub.snapshot_download", lambda *given, **named: (_ for _ in ()).throw(error)
    )
    with pytest.raises(ReportError, match="files in HF_HOME cannot be locked .*; set HF_HOME to"):
        pretrained.from_hub("owner/name")
    assert "files in HF_HOME cannot be locked" in str(hub.refusal(error, "owner/name", {}))


@pytest.fixture
def untrusted(monkeypatch):
    """The hub answers with a certificate that is not trusted, as behind a proxy that looks into
    what passes it.
    """
    said = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate"

    def fails(*given, **named):
        try:
            raise ssl.SSLCertVerificationError(1, said)
        except OSError as error:
            raise LocalEntryNotFoundError("Cannot find the requested files") from error

    monkeypatch.setattr("huggingface_hub.snapshot_download", fails)
    monkeypatch.setattr("huggingface_hub.HfApi.dataset_info", fails)
    monkeypatch.setattr(download, "reach", fails)
    return said


def test_a_certificate_that_is_not_trusted_is_no_missing_network(
    untrusted, monkeypatch, tmp_path, capsys
):
    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path))
    for wrong in (["--model", "owner/name"], ["--data", "http://localhost/a.tar.gz"]):
        assert main.main(["train", *wrong]) == 2
        said = capsys.readouterr().err
        assert untrusted in said and "set SSL_CERT_FILE to a file with the certificates" in said
        assert "check the network" not in said


def test_a_certificate_that_is_not_trusted_is_told_before_a_copy_of_the_data_is_taken(
    untrusted, caplog
):
    commit, why = hub.commit_of("owner/name", None)
    assert commit == "" and untrusted in why and "set SSL_CERT_FILE" in why
    assert untrusted in caplog.text and "set SSL_CERT_FILE" in caplog.text


@pytest.mark.parametrize("writable", [True, False])
def test_matplotlib_gets_a_folder_only_where_its_own_cannot_be_written_to(
    monkeypatch, tmp_path, writable
):
    (tmp_path / "a file").touch()
    own = tmp_path / ("new" if writable else "a file") / "matplotlib"
    for name, folder in (("MPLCONFIGDIR", own), ("LMREPORT_CACHE", tmp_path / "cache")):
        monkeypatch.setenv(name, str(folder))
    then = []
    doctor = lambda arguments: then.append(os.environ["MPLCONFIGDIR"]) or 0  # noqa: E731
    monkeypatch.setitem(main.COMMANDS, "doctor", doctor)
    assert main.main(["doctor"]) == 0
    assert then == [str(own if writable else tmp_path / "cache/matplotlib")]


def test_a_model_in_the_place_of_the_one_that_cannot_be_had_is_told(monkeypatch, caplog):
    monkeypatch.setattr(pretrained, "from_hub", lambda name: None)
    with caplog.at_level("INFO"):
        assert pretrained.locate("owner/not-here").name == pretrained.MINILM
    assert (
        "the hub cannot be reached for owner/not-here; going on with all-MiniLM-L6-v2"
        in caplog.text
    )


WAIT = """
import sys, time
from lmreport.core import lock, progress
progress.show()
with lock.only_one("a-run"):
    print("inside", flush=True)
    sys.stdin.readline()
"""


def test_one_process_at_a_time_is_inside_and_a_killed_one_holds_nobody_up(
    tmp_path, monkeypatch, told
):
    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path))
    first, second = (
        subprocess.Popen(
            [sys.executable, "-u", "-c", WAIT],
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for _ in range(2)
    )
    said = {one: one.stdout.readline().strip() for one in (first, second)}
    inside = next(one for one in said if said[one] == "inside")
    other = second if inside is first else first
    assert said[other] == "a-run: another process is making this run; waiting for it"
    inside.kill()
    inside.communicate()
    assert other.stdout.readline().strip() == "inside"
    other.communicate("\n")
    with lock.only_one("a-run"):
        pass
    assert told == []


def test_keras_computes_with_tensorflow_whatever_it_is_set_to_elsewhere():
    code = (
        "from lmreport.core import progress\nprogress.load_keras()\n"
        "import keras\nprint(keras.backend.backend())"
    )
    done = subprocess.run([sys.executable, "-c", code], env=os.environ | {"KERAS_BACKEND": "jax"},
                          capture_output=True, text=True)  # fmt: skip
    assert done.stdout == "tensorflow\n", done.stderr


def test_a_training_is_not_changed_by_settings_of_accelerate_for_other_work(monkeypatch):
    monkeypatch.setenv("ACCELERATE_USE_DEEPSPEED", "true")
    seen = []
    monkeypatch.setitem(main.COMMANDS, "train", lambda _: seen.extend(os.environ) or 0)
    assert main.main(["train", "lstm"]) == 0
    assert seen and not [name for name in seen if name.startswith("ACCELERATE_")]


def test_a_training_waits_for_no_processes_of_other_work(monkeypatch, capsys):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("LOCAL_RANK", "0")
    assert main.main(["train", "lstm", "--data", "sample"]) == 2
    assert "type unset LOCAL_RANK WORLD_SIZE, or train with" in capsys.readouterr().err
    assert main.main(["cite", "fig-nowhere"]) == 2
    assert "unset" not in capsys.readouterr().err


def test_the_variable_that_moves_the_hubs_files_is_the_one_named(monkeypatch):
    """HF_HOME says nothing where HF_HUB_CACHE is set, as where users share one cache."""
    monkeypatch.setenv("HF_HUB_CACHE", "/shared")
    for error in (OSError(errno.ENOLCK, "No locks"), OSError(errno.ENOSPC, "No space left")):
        with pytest.raises(ReportError) as refused:
            pretrained.not_reached("owner/name", error)
        for said in (str(refused.value), str(hub.refusal(error, "owner/name", {}))):
            assert "set HF_HUB_CACHE " in said and "HF_HOME" not in said


BACKEND = """
import os
import zipfile

def build_editable(folder, config_settings=None, metadata_directory=None):
    name = "own-1.0-py3-none-any.whl"
    with zipfile.ZipFile(folder + "/" + name, "w") as wheel:
        wheel.writestr("own.pth", os.getcwd())
        about = "own-1.0.dist-info/"
        command = "[console_scripts]\\nown = own:main\\n"
        wheel.writestr(about + "entry_points.txt", command)
        wheel.writestr(about + "METADATA", "Metadata-Version: 2.1\\nName: own\\nVersion: 1.0\\n")
        wheel.writestr(about + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\n")
        wheel.writestr(about + "RECORD", "")
    return name

build_wheel = build_sdist = build_editable
"""


def make(folder, *typed, **environment):
    """What make says in `folder`, where no variables of the tests and of an outer make hold."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LMREPORT_", "MAKE"))}
    return subprocess.run(
        ["make", *typed], cwd=folder, env=kept | environment, capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project whose environment make has made, in a folder with a blank in its name."""
    if not shutil.which("make"):
        pytest.skip("needs make")
    folder = tmp_path_factory.mktemp("home work")
    (folder / ".config/pip").mkdir(parents=True)
    (folder / ".config/pip/pip.conf").write_text("[install]\nuser = true\n")
    (folder / "npm").write_text("#!/bin/sh\nexit 1\n")
    (folder / "npm").chmod(0o755)
    (folder / "Makefile").write_bytes((ROOT / "Makefile").read_bytes())
    (folder / "requirements.lock").touch()
    (folder / "own.py").write_text("def main():\n    print(__file__.removesuffix('/own.py'))\n")
    (folder / "backend.py").write_text(BACKEND)
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    assert REPLACED not in install(folder)
    return folder


REPLACED = "the .venv at hand was made in another folder, or has no Python with pip; it is replaced"


def install(folder, *options):
    """What make says of the environment in `folder`; with "-n", what it would do."""
    done = make(
        folder,
        *options,
        ".venv/.installed",
        f"PYTHON={sys.executable}",
        HOME=str(folder),
        XDG_CONFIG_HOME=str(folder / ".config"),
        PATH=f"{folder}:{os.environ['PATH']}",
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def own(folder):
    """The folder whose code the command of the environment in `folder` runs."""
    said = subprocess.run([folder / ".venv/bin/own"], capture_output=True, text=True, check=True)
    return Path(said.stdout.strip())


def test_make_installs_into_its_own_environment_where_pip_is_told_to_install_for_the_user(project):
    assert list(project.glob(".venv/lib/python*/site-packages/own.pth"))
    assert own(project) == project
    assert install(project) == "make: '.venv/.installed' is up to date.\n"


def test_make_replaces_the_environment_of_a_copied_or_renamed_project(project, tmp_path):
    """Its commands would run the code of the folder that it came from, or none."""
    copy = tmp_path / "a copy"
    shutil.copytree(project, copy, symlinks=True)
    assert own(copy) == project
    assert REPLACED in install(copy)
    assert own(copy) == copy and own(project) == project
    assert REPLACED in install(copy.rename(tmp_path / "renamed"), "-n")


def test_make_replaces_an_environment_without_pip_or_python(project, tmp_path):
    """As uv makes them, and as Ctrl-C or an update of the system leaves them; it keeps those that
    lack the packages alone.
    """
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(project / name, tmp_path)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", ".venv"], cwd=tmp_path)
    assert REPLACED in install(tmp_path, "-n")
    (folder,) = tmp_path.glob(".venv/lib/python*/site-packages")
    (folder / "pip.py").touch()
    assert REPLACED not in (said := install(tmp_path, "-n")) and "pip install" in said
    (tmp_path / ".venv/.installed").touch()
    assert "up to date" in install(tmp_path, "-n")
    for path in tmp_path.glob(".venv/bin/python*"):
        path.unlink()
        path.symlink_to(tmp_path / "gone")
    assert REPLACED in install(tmp_path, "-n")


@pytest.fixture
def handed_on(tmp_path):
    """What make, called with what is typed and set, hands on: four settings, then the arguments."""
    if not shutil.which("make"):
        pytest.skip("needs make")
    (tmp_path / "Makefile").write_bytes((ROOT / "Makefile").read_bytes())
    for name in ("pyproject.toml", "requirements.lock"):
        (tmp_path / name).touch()
    (tmp_path / ".venv/bin").mkdir(parents=True)
    for name in ("lmreport", "python"):
        program = tmp_path / ".venv/bin" / name
        program.write_text(
            '#!/bin/sh\nprintf "%s\\n" "${LMREPORT_DATA-unset}" "${LMREPORT_MODEL-unset}" '
            '"${LMREPORT_SEED-unset}" "${LMREPORT_SCALE-unset}" "$@"\n'
        )
        program.chmod(0o755)
    (tmp_path / ".venv/.installed").touch()

    def called(*typed, **environment):
        done = make(tmp_path, *typed, **environment)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return called


@pytest.mark.parametrize(
    "given", ["rows for $5.csv", "texts/C# posts.csv", "texts/C#", "$(HOME)/a$$b", "a\\#b's.csv"]
)
def test_make_hands_on_what_is_typed_as_it_is_typed(handed_on, given):
    """Marks of make and of the shell have no meaning in it."""
    typed = [f"DATA={given}", f"MODEL=../{given}", f"PROFILE={given}"]
    settings = [given, f"../{given}", "unset", "unset"]
    for goal, command in (("report", "render"), ("check", "check"), ("submission", "submit")):
        assert handed_on(goal, *typed) == [*settings, command, "--profile", given]


def test_make_hands_on_sizes_of_a_bench(handed_on):
    said = handed_on("bench-encoder", "SET=length=5  name='a;$x", "RECORD=1")
    assert said[-6:] == ["encoder", "--record", "--set", "length=5", "--set", "name='a;$x"]


@pytest.mark.parametrize("options", [[], ["-e"]])
def test_make_takes_nothing_that_other_work_set_in_the_environment(handed_on, options):
    other = dict.fromkeys(["DATA", "MODEL", "SCALE", "SEED", "PROFILE", "SET", "RECORD"], "other")
    none = ["unset"] * 4
    assert handed_on("report", *options, **other) == [*none, "render"]
    assert handed_on("bench-encoder", *options, **other)[-1] == "encoder"
    assert handed_on("report", **other, LMREPORT_DATA="mine") == ["mine", *none[1:], "render"]
