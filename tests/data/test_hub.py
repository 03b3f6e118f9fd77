"""The model from a stand-in of the hub on loopback: fetched, resumed, refused, left alone; real
processes.
"""

import dataclasses
import http.server
import json
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import hub as stand_in
from lmreport.data import corpus, download
from lmreport.data.corpus import KNOWN
from lmreport.display import again
from lmreport.models import pretrained
from lmreport.reporting import notices
from lmreport.runs import records

LOCATE = """
import json, sys
from lmreport.models import pretrained
from lmreport.core.errors import ReportError
try:
    source = pretrained.locate(sys.argv[1])
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
        yield (
            hub,
            environment
            | {"HF_HOME": str(tmp_path / "hf"), "LMREPORT_CACHE": str(tmp_path / "cache")},
        )


def located(environment, name=stand_in.NAME, **more):
    """The source that a process finds, as a dict, or what it says when it is refused."""
    done = subprocess.run(
        [sys.executable, "-c", LOCATE, name], env=environment | more, text=True, capture_output=True
    )
    assert "Traceback" not in done.stderr, done.stderr
    return json.loads(done.stdout) if not done.returncode else done.stderr.strip().splitlines()[-1]


def test_the_model_is_fetched_once_and_then_found_without_a_request(hub, folder):
    served, environment = hub
    source = located(environment)
    assert (source["name"], source["why"]) == (stand_in.NAME, "")
    assert source["digest"] == pretrained.sha256(folder / "model.safetensors")
    fetched = [path for path in served.asked if path.startswith("GET") and "/resolve/" in path]
    assert len(fetched) == len(set(fetched)) and any(
        "model.safetensors" in path for path in fetched
    )
    served.asked.clear()
    assert located(environment, HF_HUB_OFFLINE="1") == source and served.asked == []
    assert located(environment | {"HF_ENDPOINT": "http://127.0.0.1:9"}) == source  # nobody is there


def test_what_a_cut_left_is_not_fetched_twice(hub, folder):
    served, environment = hub
    served.cut = 12_000_000
    assert located(environment)["digest"] == pretrained.sha256(folder / "model.safetensors")
    assert served.ranges and served.ranges == sorted(set(served.ranges))


def test_a_transfer_that_always_breaks_off_is_one_sentence_and_can_be_taken_up(hub, folder):
    served, environment = hub
    served.cut = 1_000_000
    said = located(environment)
    assert said.startswith(
        "refused: model: the transfer of 'distilbert-base-uncased' from the hub broke off"
    ), said
    served.cut = 0
    assert located(environment)["digest"] == pretrained.sha256(folder / "model.safetensors")


def test_wrong_bytes_are_refused_and_fetched_anew(hub, folder):
    served, environment = hub
    served.forge = True
    said = located(environment)
    assert (
        "model.safetensors of 'distilbert-base-uncased' came damaged" in said
        and "fetches it anew" in said
    )
    served.forge = False
    assert located(environment)["digest"] == pretrained.sha256(folder / "model.safetensors")


def test_offline_makes_no_request_and_the_packaged_model_serves(hub):
    served, environment = hub
    source = located(environment, HF_HUB_OFFLINE="1")
    assert (
        source["name"] == pretrained.MINILM
        and "could not be reached" in source["why"]
        and served.asked == []
    )


@pytest.mark.parametrize(
    "files, lacks",
    [
        (["config.json"], "config.json"),
        (["model.safetensors", "tokenizer.json"], "model.safetensors, tokenizer.json"),
        (["tokenizer_config.json"], "tokenizer_config.json"),
    ],
)
def test_a_copy_that_is_not_whole_is_told_and_completed(hub, folder, files, lacks):
    _, environment = hub
    located(environment)
    kept = next(Path(environment["HF_HOME"]).glob("hub/models--*/snapshots/*"))
    for one in files:  # as in a cache that was moved, whose links lead nowhere
        (kept / one).unlink()
        (kept / one).symlink_to("nowhere")
    source = located(environment, HF_HUB_OFFLINE="1")
    assert source["name"] == pretrained.MINILM
    assert f", and its copy on this machine lacks {lacks}, so this render" in source["why"]
    whole = located(environment)
    assert (whole["name"], whole["why"]) == (stand_in.NAME, "")


def looked_for(environment, **more):
    """What doctor says of the model: whether it is there, what is, and what to do."""
    code = "from lmreport.cli import doctor; import json; print(json.dumps(doctor.model()))"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment | more, text=True, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_doctor_asks_nothing_of_the_hub_and_says_only_what_is_not_here(hub):
    served, environment = hub
    state, what, fix = looked_for(environment)
    assert (state, what) == (
        None,
        "model: distilbert-base-uncased is not on this machine; a render that cannot fetch it loads "
        "all-MiniLM-L6-v2",
    )
    assert fix.startswith("a render fetches it where there is a network; or set LMREPORT_MODEL")
    assert looked_for(environment, HF_HUB_OFFLINE="1")[2].startswith("unset HF_HUB_OFFLINE and")
    assert served.asked == []
    located(environment)
    assert looked_for(environment) == [True, "model: distilbert-base-uncased", ""]
    for path in Path(environment["HF_HOME"]).rglob("config.json"):
        path.unlink()
    state, what, _ = looked_for(environment)
    assert state is None
    assert "the copy of distilbert-base-uncased on this machine lacks config.json" in what


@pytest.mark.parametrize("place", ["home", "home/hub"])
def test_a_copy_beside_the_hubs_cache_is_told_with_what_has_it_used(hub, tmp_path, place):
    """As in containers: HF_HOME is set to where the files lie, one folder too high, or
    HF_HUB_CACHE elsewhere.
    """
    served, environment = hub
    located(environment, HF_HUB_CACHE=str(tmp_path / place))
    served.asked.clear()
    wrong = {"HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "1"}
    wrong |= {"HF_HUB_CACHE": str(tmp_path / "empty")} if place == "home/hub" else {}
    code = "from lmreport.cli import doctor; print(*doctor.model())"
    shown = "import logging; logging.basicConfig(level='INFO')\n"
    done = subprocess.run(
        [sys.executable, "-c", shown + LOCATE + code, stand_in.NAME],
        env=environment | wrong,
        text=True,
        capture_output=True,
    )
    assert f"a copy lies in {tmp_path / place}, so set HF_HUB_CACHE={tmp_path / place} to" in (
        done.stderr
    ), done.stderr
    assert f"set HF_HUB_CACHE={tmp_path / place}, where a copy lies" in done.stdout
    said = located(environment | wrong | {"HF_HUB_CACHE": str(tmp_path / place)})
    assert (said["name"], said["why"], served.asked) == (stand_in.NAME, "", [])


@pytest.mark.parametrize(
    "name, said",
    [
        (
            "distilbert-base-uncase",
            "knows no model 'distilbert-base-uncase'; did you mean 'distilbert-base-uncased'?",
        ),
        ("qqqq", "knows no model 'qqqq'; check the name, or give a folder"),
        ("a b?", "knows no model 'a b?'"),
        ("members-only", "only to members who accepted its terms"),
        ("./nowhere", "lacks config.json"),
    ],
)
def test_a_name_that_is_unknown_or_not_for_all_is_one_sentence(hub, name, said):
    assert said in located(hub[1], name)


@pytest.mark.parametrize(
    "environment, said",
    [
        ({"HF_ENDPOINT": "hub.example"}, "begin what HF_ENDPOINT says with https://"),
        ({"HF_TOKEN": "“hf_x”"}, "write HF_TOKEN anew"),
        ({"ALL_PROXY": "socks://127.0.0.1:9"}, "write ALL_PROXY and HTTPS_PROXY as"),
        ({"SSL_CERT_FILE": "/nowhere.pem"}, "unset SSL_CERT_FILE, which names no file"),
        ({"HF_HOME": __file__}, "set HF_HOME to a folder that can be written to"),
        ({"HF_HUB_CACHE": __file__}, "set HF_HUB_CACHE to a folder that can be written to"),
    ],
)
def test_what_keeps_this_machine_from_asking_is_told_and_no_other_model_is_taken(
    hub, environment, said
):
    refused = located(hub[1] | environment)
    assert "the hub cannot be asked for 'distilbert-base-uncased'" in refused and said in refused


def test_a_known_name_that_another_hub_lacks_is_not_suggested_for_itself(hub):
    environment = hub[1] | {"HF_ENDPOINT": f"{hub[1]['HF_ENDPOINT']}/mirror"}
    said = "no model 'distilbert-base-uncased'; check HF_ENDPOINT, since huggingface.co knows it"
    assert said in located(environment)


def test_a_page_that_answers_for_the_hub_is_told_as_that(hub):
    served, environment = hub
    served.portal = b"<html>Log in to this network</html>"
    assert "log in to the network" in located(environment)


@pytest.mark.parametrize(
    "status, said",
    [
        (429, "it answers 429, too many requests from this address; wait some minutes, or set HF_"),
        (503, "it answers 503, a trouble of its own; try again later, or set HF_HUB_OFFLINE=1"),
        (416, "it, or a proxy before it, answers 416; try again later, or set HF_HUB_OFFLINE=1"),
    ],
)
def test_a_hub_that_serves_nobody_now_is_told_as_that_and_what_was_fetched_before_serves(
    hub, status, said
):
    served, environment = hub
    served.status = status
    refused = located(environment)
    assert refused.startswith("refused: model: the hub cannot be asked for 'distilbert-base-uncas")
    assert said in refused
    served.status = 0
    source = located(environment)
    served.status = status
    assert located(environment) == source and source["name"] == stand_in.NAME


@pytest.mark.parametrize("header", ["X-Repo-Commit", "ETag"])
def test_a_mirror_that_leaves_out_a_header_of_the_hub_is_told_and_no_other_model_is_taken(
    hub, header
):
    served, environment = hub
    served.without = header
    refused = located(environment)
    assert refused.startswith("refused: model: the hub cannot be asked for 'distilbert-base-uncas")
    assert f"since {environment['HF_ENDPOINT']}, or a proxy before it, does not send" in refused
    assert f"{header} with each file as the hub does; set HF_ENDPOINT to a mirror that" in refused
    served.without = ""
    source = located(environment)
    served.without = header
    assert located(environment) == source and source["name"] == stand_in.NAME


def test_a_token_that_the_hub_does_not_take_is_told_with_the_place_where_it_stands(hub, tmp_path):
    served, environment = hub
    served.tokens = False
    said = located(environment | {"HF_TOKEN": "hf_old"})
    assert "it does not accept the token in HF_TOKEN (401); correct it, or unset HF_TOKEN" in said
    kept = tmp_path / "hf" / "token"
    kept.parent.mkdir(exist_ok=True)
    kept.write_text("hf_old")
    said = located(environment)
    assert f"the token in {kept} (401); log in anew with hf auth login, or out with hf auth" in said
    kept.unlink()
    assert located(environment)["name"] == stand_in.NAME


def test_a_model_whose_weights_are_of_another_format_on_the_hub_is_told_to_be_saved_anew(hub):
    served, environment = hub
    served.files["pytorch_model.bin"] = served.files.pop("model.safetensors")
    assert "is on the hub without model.safetensors; load model and tokenizer" in located(
        environment
    )


@pytest.mark.parametrize(
    "elsewhere",
    [{"HF_HUB_OFFLINE": "1"}, {"HF_ENDPOINT": "http://127.0.0.1:9"}],
    ids=["offline", "no network"],
)
def test_half_a_copy_says_nothing_about_the_hub(hub, tmp_path, elsewhere):
    """A fetching that broke off leaves some files, without a hub to ask for the others."""
    served, environment = hub
    located(environment)
    for path in (tmp_path / "hf").rglob("model.safetensors"):
        path.unlink()
    served.asked.clear()
    source = located(environment, **elsewhere)
    assert source["name"] == pretrained.MINILM and served.asked == []
    assert located(environment)["name"] == stand_in.NAME
    for path in (tmp_path / "hf").rglob("model.safetensors"):
        path.unlink()
    served.status = 429
    assert "since it answers 429, too many requests" in located(environment)


def test_the_packaged_model_can_be_asked_for_by_name(hub):
    served, environment = hub
    source = located(environment, pretrained.MINILM)
    assert (source["name"], source["why"], served.asked) == (pretrained.MINILM, "", [])


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
    barred = environment | {
        f"{scheme.upper()}_PROXY": f"http://127.0.0.1:{proxy.server_port}",
        "NO_PROXY": "",
        "HF_ENDPOINT": f"{scheme}://hub.invalid",
    }
    said = located(barred)
    assert (
        said.startswith("refused: model: the hub cannot be asked for")
        and "HF_HUB_OFFLINE=1" in said
    ), said
    source = located(environment)
    assert located(barred) == source
    proxy.shutdown()
    proxy.server_close()


def noticed(folder, recorded=False, **more):
    """What stands at the top of a report on the sample whose model lies in `folder`."""
    corpus = download.obtain("sample")
    source = dataclasses.replace(pretrained.from_folder(folder, stand_in.NAME), **more)
    return re.sub(
        r"\[([^]]*)\]\{[^}]*\}",
        r"\1",
        notices.notices(corpus, source, list("abcd"), recorded).data,
    )


def test_one_place_says_which_model_was_loaded_of_which_the_answers_speak_and_how_to_record_ones_own(
    folder,
):
    said = noticed(folder)
    assert (
        said.count(
            "The recorded full-scale runs fine-tuned all-MiniLM-L6-v2, and this render loads "
            "distilbert-base-uncased. So every answer speaks of small runs that this render made"
        )
        == 1
    )
    assert (
        "`lmreport run transformer --scale full` records a fine-tuning with the full settings"
        in said
    )
    assert "began with all-MiniLM-L6-v2." in said and "the answers speak of it" in said
    corpus = download.obtain("sample")
    digest = records.full_scale(corpus)["transformer"].inputs["model"]["digest"]
    own = noticed(folder, digest=digest)
    assert "began with" not in own
    assert "A quick render" not in noticed(folder, recorded=True)
    said = noticed(folder, True, name=pretrained.MINILM, why="The hub could not be reached.")
    assert said.count("The hub could not be reached.") == 1
    why = "The hub could not be reached for distilbert-base-uncased."  # the card says it too
    assert why not in noticed(folder, True, name=pretrained.MINILM, why=why)
    assert why in noticed(folder, False, name=pretrained.MINILM, why=why)


def test_the_answers_speak_of_the_model_at_hand(folder):
    """Of its recorded runs, though another model's is newer; of this render's own where it has
    none.
    """
    corpus, source = download.obtain("sample"), pretrained.from_folder(folder)
    recorded = records.full_scale(corpus)
    live = dict.fromkeys(recorded, "made by this render")
    assert records.answering(recorded, live, source) is live
    packaged = pretrained.from_package("any")
    assert records.answering(recorded, live, packaged) is recorded
    assert records.answering({"lstm": recorded["lstm"]}, live, packaged) is live
    assert records.full_scale(corpus, packaged) == records.full_scale(corpus, source) == recorded


def test_an_older_run_of_the_model_at_hand_is_preferred_to_a_newer_one_of_another(
    folder, monkeypatch
):
    corpus, source = download.obtain("sample"), pretrained.from_folder(folder)
    (old,) = [r for r in records.all_records() if r.name == "transformer"]
    given = old.inputs | {"model": {"name": source.name, "digest": source.digest}}
    new = dataclasses.replace(old, inputs=given, made=old.made | {"date": "2999-01-01"})
    monkeypatch.setattr(records, "all_records", lambda scale="full": [new, old])
    assert records.full_scale(corpus)["transformer"] is new
    assert records.full_scale(corpus, source)["transformer"] is new
    assert records.full_scale(corpus, pretrained.from_package("any"))["transformer"] is old


def test_a_printed_command_names_data_and_model_where_they_are_not_the_defaults(
    folder, tmp_path, monkeypatch
):
    official = {"digest": next(iter(KNOWN)), "kind": "real", "name": "Stack Overflow 16k"}
    mine = {"digest": "0" * 64, "kind": "other", "name": "my groups"}
    digest = pretrained.sha256(folder / "model.safetensors")
    assert (
        again.of_inputs({"data": official, "model": {"name": stand_in.NAME, "digest": digest}})
        == []
    )
    assert again.of_inputs({"data": mine | {"kind": "sample"}, "model": None}) == ["--data sample"]
    assert again.of_inputs({"data": mine, "model": {"name": pretrained.MINILM, "digest": "1"}}) == [
        "--data 'my groups'",
        "--model all-MiniLM-L6-v2",
    ]
    monkeypatch.setenv("LMREPORT_MODEL", str(folder))
    assert again.of_model({"name": stand_in.NAME, "digest": digest}) == [f"--model {folder}"]
    monkeypatch.setattr(corpus, "LEAST", {"train": 1, "test": 1})
    monkeypatch.setattr(corpus, "TOTAL", {"train": 1, "test": 1})
    for split in ("train", "test"):
        for name in ("a", "b", "c"):
            (tmp_path / "my groups" / split / name).mkdir(parents=True)
            (tmp_path / "my groups" / split / name / "1.txt").write_text(f"{split} {name}")
    monkeypatch.setenv("LMREPORT_DATA", str(tmp_path / "my groups"))
    mine["digest"] = download.obtain(str(tmp_path / "my groups")).digest
    assert again.of_data(mine) == [f"--data '{tmp_path / 'my groups'}'"]
