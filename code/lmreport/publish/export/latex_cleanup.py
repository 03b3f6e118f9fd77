"""LaTeX that pdfLaTeX compiles: characters that it does not know as commands, the packages named,
and as `tabular`.
"""

from __future__ import annotations

import re
import unicodedata

MATH = {  # of LaTeX itself
    "∞": "infty",
    "⊙": "odot",
    "⊕": "oplus",
    "⊗": "otimes",
    "√": "surd",
    "≤": "leq",
    "≥": "geq",
    "≠": "neq",
    "≈": "approx",
    "±": "pm",
    "×": "times",
    "÷": "div",
    "·": "cdot",
    "−": "-",
    "∗": "ast",
    "∘": "circ",
    "→": "rightarrow",
    "←": "leftarrow",
    "↔": "leftrightarrow",
    "↑": "uparrow",
    "↓": "downarrow",
    "⇒": "Rightarrow",
    "⇔": "Leftrightarrow",
    "∈": "in",
    "∉": "notin",
    "⊂": "subset",
    "⊆": "subseteq",
    "∪": "cup",
    "∩": "cap",
    "∅": "emptyset",
    "∀": "forall",
    "∃": "exists",
    "¬": "neg",
    "∧": "wedge",
    "∨": "vee",
    "∑": "sum",
    "∏": "prod",
    "∫": "int",
    "∂": "partial",
    "∇": "nabla",
    "∝": "propto",
    "∼": "sim",
    "≡": "equiv",
    "≪": "ll",
    "≫": "gg",
    "∥": "parallel",
    "⊥": "perp",
    "⟨": "langle",
    "⟩": "rangle",
    "′": "prime",
    "ℓ": "ell",
    "✓": "checkmark",
}
TEXT = {
    "…": r"\ldots{}",
    "€": r"\texteuro{}",
    "°": r"\textdegree{}",
    "µ": r"\textmu{}",
    "§": r"\S{}",
    "¶": r"\P{}",
    "©": r"\textcopyright{}",
    "®": r"\textregistered{}",
    "™": r"\texttrademark{}",
    "‰": r"\textperthousand{}",
    "•": r"\textbullet{}",
    "¦": r"\textbrokenbar{}",
    "⁄": "/",
    "∕": "/",  # what stands in a class's name for / and \, since it is a folder's too
    "∖": r"\textbackslash{}",
    "\u00ad": r"\-",
    "\u00a0": "~",
    "\u202f": r"\,",
    "\u2009": r"\,",
    "\u2011": "-",
    "\u200b": r"\hspace{0pt}",
    "\u2060": "",
    "\ufeff": "",
}
LATIN = dict(
    zip("ΑΒΕΖΗΙΚΜΝΟΡΤΧο", "ABEZHIKMNOPTXo", strict=True)
)  # Greek letters for which LaTeX has no command
COMMANDS = {
    r"\href": "hyperref",
    r"\url": "hyperref",
    r"\checkmark": "amssymb",
    r"\real": "calc",
    r"\st{": "soul",
    r"\ul{": "soul",
    r"\multirow{": "multirow",
    r"\includegraphics": "graphicx",
}
LONG = re.compile(
    r"\\begin\{longtable\}\[\](\{.*?\})\n(?:\\caption.*?\\tabularnewline\n)?(.*?)\\end(?:first)?head\n"
    r".*?\\endlastfoot\n(.*?)\\end\{longtable\}",
    re.S,
)


def compiled(text: str) -> str:
    """`text` with a command in place of each character that pdfLaTeX does not know, as far as LaTeX
    has one, and with a star that begins a row in braces, since `\\\\*` is a command of its own.
    """
    text = re.sub(r"^\*", "{*}", text, flags=re.M)
    return "".join(map(command, text)).replace(
        r"\euro{}", r"\texteuro{}"
    )  # pandoc's needs a package


def command(c: str) -> str:
    """What stands for one character; itself where LaTeX has nothing for it."""
    if c.isascii():
        return c
    if c in MATH or c in TEXT or c in LATIN:
        name = MATH.get(c, "")
        return (
            rf"\ensuremath{{{'-' if name == '-' else chr(92) + name}}}"
            if name
            else TEXT.get(c, LATIN.get(c, ""))
        )
    if greek := re.fullmatch(
        r"GREEK (SMALL|CAPITAL) LETTER (FINAL )?([A-Z]+)", unicodedata.name(c, "")
    ):
        letter = greek[3].lower().replace("lamda", "lambda")
        letter = "varsigma" if greek[2] else letter if greek[1] == "SMALL" else letter.capitalize()
        return rf"\ensuremath{{\{letter}}}"
    kind, *parts = unicodedata.decomposition(c).split() or [""]
    raised = {"<super>": "textsuperscript", "<sub>": "textsubscript"}.get(kind)
    if raised:
        return rf"\{raised}{{{''.join(command(chr(int(part, 16))) for part in parts)}}}"
    if kind in ("<compat>", "<fraction>", "<noBreak>", "<font>"):
        return "".join(command(chr(int(part, 16))) for part in parts)
    return c


def needs(text: str) -> str:
    """Comment lines that name the packages, and the engine where characters are left that pdfLaTeX
    does not know.
    """
    packages = {"booktabs", "array", *(["longtable"] if "longtable" in text else [])}
    packages |= {package for name, package in COMMANDS.items() if name in text}
    left = "".join(dict.fromkeys(c for c in text if not c.isascii()))
    engine = f"% engine: XeLaTeX or LuaLaTeX with a font that has {left}\n" if left else ""
    return f"% packages: {', '.join(sorted(packages))}\n{engine}"


def tabular(text: str) -> str:
    """The table that pandoc wrote as a longtable, as a `tabular` for a float or a narrow column; ""
    where it is none.
    """
    match = LONG.search(text)
    if not match:
        return ""
    spec, head, body = match.groups()
    return f"\\begin{{tabular}}{spec}\n{head}{body}\\bottomrule\\noalign{{}}\n\\end{{tabular}}\n"
