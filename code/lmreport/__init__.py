"""A literate report on pre-trained language models: every number in it is computed."""

__version__ = "0.1.0"
__path__.append(f"{__path__[0]}/cli/modules")  # python -m lmreport.launch and .bench find their programs there
