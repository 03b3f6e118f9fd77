"""Settings of the tests: no time limit for single examples, since two cores may be busy."""

import os

from hypothesis import settings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
settings.register_profile("project", deadline=None, derandomize=True)
settings.load_profile("project")
