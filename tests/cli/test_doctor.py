"""`lmreport doctor`: every gap is a line with its fix, whatever is missing; nothing is fetched for
a look.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lmreport.cli import doctor
from lmreport.models import pretrained

BLOCKED = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError("No module named " + name, name=name)
sys.meta_path.insert(0, Block())
from lmreport.cli.main import main
sys.exit(main(["doctor"]))
"""


@pytest.mark.parametrize("blocked", [["huggingface_hub"], ["numpy", "torch"]])
def test_a_missing_package_is_a_line_among_others(blocked, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED.format(blocked=blocked)], capture_output=True, text=True
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert "cannot be imported" in done.stdout and done.returncode == 1
    assert "disk:" in done.stdout and "Python" in done.stdout  # what comes after it is told too


def test_the_model_is_looked_for_on_this_machine_only(monkeypatch):
    monkeypatch.setattr(pretrained, "from_hub", lambda name: pytest.fail("fetched for a look"))
    pretrained.locate.cache_clear()
    state, what, fix = doctor.model()
    assert "model: " in what and (state or fix)


def test_each_thing_is_told_once(capsys):
    doctor.report()
    said = capsys.readouterr().out
    for start in ("Python", "data: ", "model: ", "settings: ", "disk: "):
        assert sum(line[6:].startswith(start) for line in said.splitlines()) == 1, start


def test_a_folder_in_the_way_of_the_hubs_model_is_told(tmp_path, monkeypatch):
    (tmp_path / "_quarto.yml").touch()
    (tmp_path / "distilbert-base-uncased" / "results").mkdir(parents=True)
    monkeypatch.delenv("LMREPORT_MODEL", raising=False)
    monkeypatch.chdir(tmp_path)
    state, what, _ = doctor.model()
    assert state is False and "'distilbert-base-uncased' is meant, rename this folder" in what
    assert what.count("rename this folder") == 1
    monkeypatch.setenv("LMREPORT_EPOCH", "2")  # what is wrong with the settings is told as before
    assert doctor.model()[:2] == (False, "unknown setting 'epoch'; did you mean 'epochs'?")


def test_a_folder_from_which_no_model_can_be_loaded_is_missing(tmp_path, monkeypatch):
    package = Path(pretrained.from_package("any").path)
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(package / name, tmp_path / name)
    (tmp_path / "model.safetensors").write_bytes(b"cut off")
    monkeypatch.setenv("LMREPORT_MODEL", str(tmp_path))
    pretrained.locate.cache_clear()
    state, what, _ = doctor.model()
    assert state is False and "model.safetensors is damaged" in what


def test_a_gpu_that_pytorch_does_not_see_is_not_called_missing(monkeypatch):
    monkeypatch.setattr(doctor.machine, "gpu_name", lambda: "")
    monkeypatch.setattr(doctor, "has_cuda_driver", lambda: True)
    _, what, fix = doctor.gpu()
    assert "sees no GPU though a driver of CUDA is here" in what and "built for CUDA" in fix
