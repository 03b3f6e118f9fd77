"""The model from a stand-in of the hub on loopback: fetched, resumed, refused, left alone; real processes."""

import http.server
import json
import subprocess
import sys
import threading

import pytest

import hub as stand_in
from lmreport import models

LOCATE = """
import json, sys
from lmreport import models
from lmreport.errors import ReportError
try:
    source = models.locate(sys.argv[1])
except ReportError as error:
    sys.exit(f"refused: {error}")
print(json.dumps(vars(source)))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return stand_in.distilbert(tmp_path_factory.mktemp("distilbert"))


@pytest.fixture
def hub(folder, tmp_path):
    with stand_in.running(folder) as (hub, environment):
        yield hub, environment | {"HF_HOME": str(tmp_path / "hf"), "LMREPORT_CACHE": str(tmp_path / "cache")}


def located(environment, name=stand_in.NAME, **more):
    """The source that a process finds, as a dict, or what it says when it is refused."""
    done = subprocess.run([sys.executable, "-c", LOCATE, name], env=environment | more, text=True, capture_output=True)
    assert "Traceback" not in done.stderr, done.stderr
    return json.loads(done.stdout) if not done.returncode else done.stderr.strip().splitlines()[-1]


def test_the_model_is_fetched_once_and_then_found_without_a_request(hub, folder):
    served, environment = hub
    source = located(environment)
    assert (source["name"], source["why"]) == (stand_in.NAME, "")
    assert source["digest"] == models.sha256(folder / "model.safetensors")
    fetched = [path for path in served.asked if path.startswith("GET") and "/resolve/" in path]
    assert len(fetched) == len(set(fetched)) and any("model.safetensors" in path for path in fetched)
    served.asked.clear()
    assert located(environment, HF_HUB_OFFLINE="1") == source and served.asked == []
    assert located(environment | {"HF_ENDPOINT": "http://127.0.0.1:9"}) == source  # nobody is there


def test_what_a_cut_left_is_not_fetched_twice(hub, folder):
    served, environment = hub
    served.cut = 12_000_000
    assert located(environment)["digest"] == models.sha256(folder / "model.safetensors")
    assert served.ranges and served.ranges == sorted(set(served.ranges))


def test_a_transfer_that_always_breaks_off_is_one_sentence_and_can_be_taken_up(hub, folder):
    served, environment = hub
    served.cut = 1_000_000
    said = located(environment)
    assert said.startswith("refused: model: the transfer of 'distilbert-base-uncased' from the hub broke off"), said
    served.cut = 0
    assert located(environment)["digest"] == models.sha256(folder / "model.safetensors")


def test_wrong_bytes_are_refused_and_fetched_anew(hub, folder):
    served, environment = hub
    served.forge = True
    said = located(environment)
    assert "model.safetensors of 'distilbert-base-uncased' came damaged" in said and "fetches it anew" in said
    served.forge = False
    assert located(environment)["digest"] == models.sha256(folder / "model.safetensors")


def test_offline_makes_no_request_and_the_packaged_model_serves(hub):
    served, environment = hub
    source = located(environment, HF_HUB_OFFLINE="1")
    assert source["name"] == models.MINILM and "could not be reached" in source["why"] and served.asked == []


@pytest.mark.parametrize("name, said", [
    ("distilbert-base-uncase", "knows no model 'distilbert-base-uncase'; did you mean 'distilbert-base-uncased'?"),
    ("qqqq", "knows no model 'qqqq'; check the name, or give a folder"),
    ("a b?", "knows no model 'a b?'"), ("members-only", "only to members who accepted its terms"),
    ("./nowhere", "lacks config.json")])
def test_a_name_that_is_unknown_or_not_for_all_is_one_sentence(hub, name, said):
    assert said in located(hub[1], name)


def test_the_packaged_model_can_be_asked_for_by_name(hub):
    served, environment = hub
    source = located(environment, models.MINILM)
    assert (source["name"], source["why"], served.asked) == (models.MINILM, "", [])


class Forbidding(http.server.BaseHTTPRequestHandler):
    """A proxy that lets nobody through, by CONNECT or otherwise."""

    def do_CONNECT(self):
        self.send_error(403)

    do_GET = do_HEAD = do_CONNECT

    def log_message(self, *rest):
        pass


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_forbids_is_one_sentence_and_what_was_fetched_before_serves(hub, scheme):
    served, environment = hub
    proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Forbidding)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    barred = environment | {f"{scheme.upper()}_PROXY": f"http://127.0.0.1:{proxy.server_port}", "NO_PROXY": "",
                            "HF_ENDPOINT": f"{scheme}://hub.invalid"}
    said = located(barred)
    assert said.startswith("refused: model: the hub cannot be asked for") and "HF_HUB_OFFLINE=1" in said, said
    source = located(environment)
    assert located(barred) == source
    proxy.shutdown()
