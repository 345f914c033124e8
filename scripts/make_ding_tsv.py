#!/usr/bin/env python3
"""Makes a set of some 20,000 everyday sentences, English TAB German, from the Ding dictionary.

Debian's package trans-de-en installs the dictionary: apt install trans-de-en
The dictionary is under the GNU General Public License, version 2 or later, and so is what this script makes of it.

Usage: make_ding_tsv.py [DICTIONARY] > ding.en-de.tsv
"""
import re
import sys

DICTIONARY = "/usr/share/trans/de-en"
NOTE = re.compile(r"\{[^{}]*\}|\[[^\[\]]*\]|<[^<>]*>|\([^()]*\)")


def sentence(text):
    """The first of the sentences in one entry without its notes, or None if it is no sentence."""
    text = NOTE.sub(" ", text)
    text = re.split(r"(?<=[.!?])\s*;", text)[0]
    text = re.sub(r"\s+([.!?,])", r"\1", " ".join(text.split()))
    if not text or not text[0].isupper() or text[-1] not in ".!?":
        return None
    if " / " in text or any(sign in text for sign in "{}[]<>()"):
        return None
    return text


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else DICTIONARY
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    try:
        lines = open(path, encoding="utf-8")
    except OSError as error:
        sys.exit(f"make_ding_tsv: {path}: {error.strerror} (on Debian: apt install trans-de-en)")
    seen = set()
    for line in lines:
        if line.startswith("#") or "::" not in line:
            continue
        german, english = (side.split("|") for side in line.split("::", 1))
        if len(german) != len(english):
            continue
        for pair in zip(map(sentence, english), map(sentence, german)):
            if None not in pair and pair not in seen:
                seen.add(pair)
                print(*pair, sep="\t")


if __name__ == "__main__":
    main()
