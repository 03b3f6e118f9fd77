"""A literate report on pre-trained language models: every number in it is computed."""

import os
import sys
import warnings

__version__ = "0.1.0"
# What the libraries say and how long they wait, unless the environment says otherwise: read when
# they are imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
os.environ.setdefault("HF_HUB_ETAG_TIMEOUT", "5")
os.environ.setdefault("HF_HUB_DOWNLOAD_TIMEOUT", "30")
if not sys.warnoptions:  # of python -W and PYTHONWARNINGS
    # what will be another way in a later version, as variables that guides and images still set
    warnings.filterwarnings("ignore", module=r"(huggingface_hub|transformers|datasets)\b")
__path__.append(
    f"{__path__[0]}/cli/modules"
)  # python -m lmreport.launch and .bench find their programs there
