"""Settings of the tests: one thread, and no time limit for single examples, since two cores may be
busy.
"""

import os
import shutil

import pytest
from hypothesis import settings

import listening
import pages
from browser import chromium

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault(
    "OMP_NUM_THREADS", "1"
)  # small models: a second thread mostly waits for the first
settings.register_profile("project", deadline=None, derandomize=True)
settings.load_profile("project")


@pytest.fixture
def fp32(monkeypatch):
    """Trainings in this process compute in fp32 on every processor: equality is claimed."""
    from lmreport.models import finetune

    monkeypatch.setattr(finetune, "has_bf16", lambda: False)


@pytest.fixture
def told():
    """The lines that the package tells during the test."""
    with listening.lines() as said:
        yield said


@pytest.fixture(scope="module")
def browser():
    """One Chromium for the tests of a module; its event loop keeps others from running in this
    thread meanwhile.
    """
    with chromium() as running:
        yield running


@pytest.fixture(scope="session", params=["own", "quarto"])
def renderer(request):
    if request.param == "quarto" and not shutil.which("quarto"):
        pytest.skip("no quarto")
    return request.param


@pytest.fixture(scope="session")
def made(renderer, tmp_path_factory):
    """The page of the small report, made once by each renderer."""
    return pages.small(tmp_path_factory.mktemp("page"), renderer)
