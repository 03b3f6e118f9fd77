"""Settings of the tests: no time limit for single examples, since two cores may be busy."""

import os

import pytest
from hypothesis import settings

from browser import chromium

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
settings.register_profile("project", deadline=None, derandomize=True)
settings.load_profile("project")


@pytest.fixture(scope="module")
def browser():
    """One Chromium for the tests of a module; its event loop keeps others from running in this thread meanwhile."""
    with chromium() as running:
        yield running
