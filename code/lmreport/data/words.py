"""The words of a text, in any script."""

from __future__ import annotations

# characters of scripts that are written without blanks between words
UNSPACED = r"([\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}])"


def words(text: str) -> list[str]:
    """What stands between white space; characters of UNSPACED scripts are words of their own, as
    they are for the LSTM.
    """
    import regex

    return regex.sub(UNSPACED, r" \1 ", text).split()


def unit(text: str) -> str:
    """What `words` counts in a text: "character" where it is of an UNSPACED script, else "word"."""
    import regex

    return "character" if regex.search(UNSPACED, text) else "word"
