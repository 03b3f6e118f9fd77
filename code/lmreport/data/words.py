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


def is_unspaced(text: str) -> bool:
    """Whether a text has characters of UNSPACED scripts."""
    import regex

    return bool(regex.search(UNSPACED, text))
