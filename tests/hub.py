"""A stand-in of the Hugging Face hub on loopback: models in folders, served as the hub serves
them.
"""

import hashlib
import http.server
import json
import os
import re
import threading
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

    cut: bytes of a large file after which the connection breaks, each time; forge: one byte of the
    weights is another.
    """

    def __init__(self, folder):
        self.files = {p.name: p.read_bytes() for p in folder.iterdir()}
        self.asked, self.ranges, self.cut, self.forge = [], [], 0, False

    def entry(self, name: str) -> dict:
        """A file as the hub's tree lists it; weights are kept with Git LFS."""
        content = self.files[name]
        found = {
            "type": "file",
            "path": name,
            "size": len(content),
            "oid": hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest(),
        }
        if name.endswith(".safetensors"):
            found["lfs"] = {
                "oid": hashlib.sha256(content).hexdigest(),
                "size": len(content),
                "pointerSize": 134,
            }
        return found


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

        def do_HEAD(self):
            self.do_GET()

        def do_GET(self):
            hub.asked.append(f"{self.command} {self.path}")
            path = self.path.split("?")[0]
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
                tree = json.dumps([hub.entry(name) for name in hub.files])
                return self.tell(200, tree.encode(), Content_Type="application/json")
            found = re.fullmatch(rf"/{NAME}/resolve/[^/]+/(.+)", path)
            if found and found[1] in hub.files:
                return self.file(found[1])
            if found:
                return self.tell(404, X_Error_Code="EntryNotFound")
            if "/members-only" in path:
                return self.tell(
                    403, X_Error_Code="GatedRepo", X_Error_Message="Access is restricted"
                )
            self.tell(
                401, X_Error_Code="RepoNotFound", X_Error_Message="Invalid username or password."
            )  # unknown

        def file(self, name: str):
            content, entry = hub.files[name], hub.entry(name)
            etag = entry.get("lfs", entry)["oid"]
            if hub.forge and "lfs" in entry:
                content = content[:-1] + bytes([content[-1] ^ 1])
            start = int((re.match(r"bytes=(\d+)-", self.headers.get("Range", "")) or [0, 0])[1])
            if start:
                hub.ranges.append(start)
            rest = content[start:]
            self.send_response(206 if start else 200)
            for key, value in {
                "ETag": f'"{etag}"',
                "X-Repo-Commit": COMMIT,
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
def running(folder):
    """The model in `folder` under its real name on a stand-in of the hub: (Hub, environment that
    points to it).
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
