"""Which kernel a document asks for by `jupyter:`, and whether cells are run by it here."""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

THIS = {"python3", "python", "true", ""}  # ways to say the Python that runs this


def refused(node: yaml.Node) -> str:
    """Why cells cannot be run by the kernel that `jupyter:` names, and what to write; "" for the
    kernel of this Python, under whatever name.
    """
    name = named(node)
    if name in THIS:
        return ""
    from jupyter_client.kernelspec import KernelSpecManager

    known = KernelSpecManager().get_all_specs()
    remedy = "write jupyter: python3 to run the cells in the Python that lmreport runs in"
    if name.lower() not in known:
        some = ", ".join(sorted(known)) or "none"
        return f"this machine has no kernel {name!r} (known are {some}); {remedy}"
    if not of_this_python(known[name.lower()]["spec"]["argv"]):
        return f"kernel {name!r} is not of this Python ({sys.executable}); {remedy}"
    return ""


def named(node: yaml.Node) -> str:
    """The kernel's name: `jupyter: NAME`, or that of a `kernelspec` below it."""
    if isinstance(node, yaml.ScalarNode):
        return "" if node.tag.endswith((":null", ":bool")) else node.value
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == "kernelspec" and isinstance(value, yaml.MappingNode):
                return next((what.value for one, what in value.value if one.value == "name"), "")
    return ""


def of_this_python(argv: list[str]) -> bool:
    """Whether a kernel is started by this Python; a name without a folder stands for it."""
    program = Path(argv[0])
    if program.parent == Path("."):
        return program.name.startswith("python")
    return program.name.startswith("python") and (
        program.parent.resolve() == Path(sys.executable).parent.resolve()
    )
