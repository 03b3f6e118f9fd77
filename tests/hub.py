"""A stand-in of the Hugging Face hub on loopback: a model in a folder, and data sets, served as the
hub serves them.
"""

import hashlib
import http.server
import json
import os
import re
import threading
import urllib.parse
from contextlib import contextmanager

from lmreport.models import pretrained, tokenizer

NAME = "distilbert-base-uncased"
COMMIT = "6cdc0aad91f5ae2e6712e91bc7b65d1cf5c05411"
OWN = (
    "HF_HUB_OFFLINE",
    "HF_ENDPOINT",
    "HF_HOME",
    "HF_TOKEN",
    "LMREPORT_MODEL",
    "LMREPORT_DATA",
    "LMREPORT_SCALE",
)


def distilbert(folder, **sizes):
    """Save a small DistilBERT with random weights and the vocabulary of distilbert-base-uncased;
    returns `folder`.
    """
    import torch
    from transformers import DistilBertConfig, DistilBertModel

    torch.manual_seed(0)
    tokenizer.load_tokenizer(pretrained.from_package("any").path).save_pretrained(folder)
    DistilBertModel(
        DistilBertConfig(
            **{
                "dim": 192,
                "n_layers": 6,
                "n_heads": 12,
                "hidden_dim": 256,
                "initializer_range": 0.2,
            }
            | sizes
        )
    ).save_pretrained(folder)
    return folder


class Hub:
    """What a running stand-in serves and what it was asked; `cut` and `forge` let it misbehave.

    cut: bytes of a large file after which the connection breaks, each time; forge: the
    last byte of such a file (or that so far from its end) is another; datasets: {name: (commit, {file: bytes})};
    portal: a page that answers for everything, as in a network where one must log in;
    status: of HTTP, that it answers to everything; tokens: whether it takes the tokens sent to it;
    without: a header that it does not send, as a mirror may.
    """

    def __init__(self, folder):
        self.files = {p.name: p.read_bytes() for p in folder.iterdir()} if folder else {}
        self.datasets = {}
        self.asked, self.ranges, self.cut, self.forge = [], [], 0, 0
        self.portal = b""
        self.status, self.tokens = 0, True
        self.without = ""


def listed_as(name: str, content: bytes) -> dict:
    """A file as the hub's tree lists it; large ones are kept with Git LFS."""
    found = {
        "type": "file",
        "path": name,
        "size": len(content),
        "oid": hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest(),
    }
    if name.endswith((".safetensors", ".parquet")):
        found["lfs"] = {
            "oid": hashlib.sha256(content).hexdigest(),
            "size": len(content),
            "pointerSize": 134,
        }
    return found


def tree(files: dict) -> list[dict]:
    """The files, and the folders around them, as the hub lists them."""
    folders = {name.rpartition("/")[0] for name in files} - {""}
    around = [{"type": "directory", "path": one, "oid": "0" * 40, "size": 0} for one in folders]
    return [*around, *(listed_as(name, content) for name, content in files.items())]


def answers(hub: Hub):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *rest):
            pass

        def tell(self, status: int, content: bytes = b"", **headers):
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", headers.pop("length", str(len(content))))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        def send_header(self, name: str, value: str):
            if name != hub.without:
                super().send_header(name, value)

        def do_HEAD(self):
            self.do_GET()

        def do_GET(self):
            hub.asked.append(f"{self.command} {self.path}")
            path = self.path.split("?")[0]
            if hub.status:
                return self.tell(hub.status)
            if not hub.tokens and "Authorization" in self.headers:
                return self.tell(401, X_Error_Message="Invalid credentials in Authorization header")
            if hub.portal:
                return self.tell(200, hub.portal)
            if "/datasets/" in path:
                return self.dataset(path)
            if path == f"/api/models/{NAME}/revision/main":
                info = {
                    "id": NAME,
                    "modelId": NAME,
                    "sha": COMMIT,
                    "private": False,
                    "tags": [],
                    "downloads": 0,
                    "likes": 0,
                    "siblings": [{"rfilename": name} for name in hub.files],
                }
                return self.tell(200, json.dumps(info).encode(), Content_Type="application/json")
            if path.startswith(f"/api/models/{NAME}/tree/"):
                listed = json.dumps(tree(hub.files))
                return self.tell(200, listed.encode(), Content_Type="application/json")
            found = re.fullmatch(rf"/{NAME}/resolve/[^/]+/(.+)", path)
            if found and found[1] in hub.files:
                return self.file(found[1], hub.files[found[1]], COMMIT)
            if found:
                return self.tell(404, X_Error_Code="EntryNotFound")
            if "/members-only" in path:
                return self.tell(
                    403, X_Error_Code="GatedRepo", X_Error_Message="Access is restricted"
                )
            self.tell(
                401, X_Error_Code="RepoNotFound", X_Error_Message="Invalid username or password."
            )  # unknown

        def do_POST(self):
            hub.asked.append(f"{self.command} {self.path}")
            self.body = self.rfile.read(int(self.headers["Content-Length"]))
            self.dataset(self.path.split("?")[0])

        def dataset(self, path: str):
            """What the hub's pages of data sets give: what there is, the files, and each file."""
            path = urllib.parse.unquote(path)
            name = next((one for one in hub.datasets if f"/datasets/{one}" in path), None)
            if name is None:
                gated = "GatedRepo" if "/members" in path else "RepoNotFound"
                return self.tell(403 if "/members" in path else 401, X_Error_Code=gated)
            commit, files = hub.datasets[name]
            asked = path.partition(f"/datasets/{name}")[2]
            known = re.match(r"/(revision|tree|paths-info|resolve)/([^/]+)", asked)
            if known and known[2] not in ("main", commit):
                return self.tell(404, X_Error_Code="RevisionNotFound")
            if not known or known[1] == "revision":
                files = [{"rfilename": one} for one in files]
                info = {"id": name, "sha": commit, "private": False, "tags": [], "siblings": files}
                return self.tell(200, json.dumps(info).encode(), Content_Type="application/json")
            inner = asked[len(known[0]) :].strip("/")
            if known[1] == "resolve":
                if inner in files:
                    return self.file(inner, files[inner], commit)
                return self.tell(404, X_Error_Code="EntryNotFound")
            if known[1] == "paths-info":
                asked_for = json.loads(self.body)["paths"]
                found = [listed for listed in tree(files) if listed["path"] in asked_for]
            else:
                found = [listed for listed in tree(files) if listed["path"].startswith(inner)]
            self.tell(200, json.dumps(found).encode(), Content_Type="application/json")

        def file(self, name: str, content: bytes, commit: str):
            entry = listed_as(name, content)
            etag = entry.get("lfs", entry)["oid"]
            if hub.forge and "lfs" in entry:
                at = len(content) - hub.forge
                content = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
            start = int((re.match(r"bytes=(\d+)-", self.headers.get("Range", "")) or [0, 0])[1])
            if start:
                hub.ranges.append(start)
            rest = content[start:]
            self.send_response(206 if start else 200)
            for key, value in {
                "ETag": f'"{etag}"',
                "X-Repo-Commit": commit,
                "Accept-Ranges": "bytes",
                "Content-Length": str(len(rest)),
            }.items():
                self.send_header(key, value)
            if start:
                self.send_header(
                    "Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}"
                )
            self.end_headers()
            if self.command == "GET":
                whole = not hub.cut or "lfs" not in entry or len(rest) <= hub.cut
                self.wfile.write(rest if whole else rest[: hub.cut])
                self.close_connection = not whole

    return Handler


@contextmanager
def running(folder=None):
    """The model in `folder`, if one is given, under its real name on a stand-in of the hub: (Hub,
    environment that points to it). Data sets are put into `datasets` of the Hub.
    """
    hub = Hub(folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), answers(hub))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    own = {
        name: value
        for name, value in os.environ.items()
        if "proxy" not in name.lower() and name not in OWN
    }
    try:
        yield (
            hub,
            own
            | {"HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}", "HF_HUB_DISABLE_XET": "1"},
        )
    finally:
        server.shutdown()
        server.server_close()
