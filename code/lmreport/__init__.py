"""A literate report on pre-trained language models: every number in it is computed."""

__version__ = "0.1.0"
