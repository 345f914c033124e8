#!/usr/bin/env python3
"""Sites with one fault each: check.py must name it, and find nothing wrong without it."""

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

from check import check

HOME = """<!DOCTYPE html><html><head><title>home</title><link rel="stylesheet" href="style.css"></head><body>
<h1 id="top">Home</h1><p><a href="docs/page.html#place">page</a> <a href="https://example.org/x">out</a> <a href="#top">up</a></p>
<img src="docs/picture.svg" alt="a square"><script src="search_index.js"></script></body></html>"""
PAGE = """<!DOCTYPE html><html><head><title>page</title></head><body><h2 id="place">Place</h2>
<a href="../index.html">home</a></body></html>"""
SITE = {
    "index.html": HOME,
    "docs/page.html": PAGE,
    "style.css": "body { color: red }",
    "docs/picture.svg": '<svg xmlns="http://www.w3.org/2000/svg"><rect width="1" height="1"/></svg>',
    "search_index.js": 'window.GLOSS_INDEX = [["page", "guide", "docs/page.html#place", "text"]];\n',
}
FAULTS = [  # (file, what stands there, what is put in its place, what the checker must say)
    ("index.html", "docs/page.html#place", "docs/pages.html#place", "broken link: docs/pages.html"),
    ("index.html", "page.html#place", "page.html#palce", "no place #palce"),
    ("index.html", 'href="#top"', 'href="#bottom"', "no place #bottom"),
    ("index.html", "docs/picture.svg", "docs/missing.svg", "broken asset: docs/missing.svg"),
    ("index.html", "docs/picture.svg", "https://example.org/picture.svg", "the asset comes from the network"),
    ("index.html", "docs/picture.svg", "//example.org/picture.svg", "the asset comes from the network"),
    ("index.html", 'src="search_index.js"', 'src="https://example.org/mathjax.js"', "the asset comes from the network"),
    ("index.html", 'href="style.css"', 'href="missing.css"', "broken asset: missing.css"),
    ("index.html", 'alt="a square"', 'alt=""', "without a text"),
    ("index.html", 'href="docs/page.html#place"', 'href="/docs/page.html"', "is another place"),
    ("index.html", 'href="docs/page.html#place"', 'href="../../../../../etc/hostname"', "link"),
    ("index.html", "<h1 id", "<h2 id=top>x</h2><h1 id", "the id top is there twice"),
    ("index.html", "<title>home</title>", "<title></title>", "no title"),
    ("index.html", "Home</h1>", "Home $$x$$</h1>", "left over: $$"),
    ("index.html", "<p><a", "<p><b><a", "<b> is not closed"),
    ("index.html", '<a href="docs/page.html#place">page</a>', "page", "docs/page.html: no link leads there"),
    ("style.css", "color: red", "background: url(x.png)", "broken style's asset: x.png"),
    ("style.css", "body {", '@import "https://example.org/font.css"; body {', "comes from the network"),
    ("docs/picture.svg", "<rect", "<rect <", "not a picture"),
    ("docs/picture.svg", '<rect width="1"', '<image href="none.png" width="1"', "broken picture's asset"),
    ("docs/picture.svg", '<rect width="1" height="1"/>', "", "not a picture"),
    ("search_index.js", "docs/page.html#place", "docs/page.html#nowhere", "no place #nowhere"),
    ("search_index.js", '["page", "guide", "docs/page.html#place", "text"]', "", "the search does not find it"),
]


def faults_of(files):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = Path(folder) / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        return check(Path(folder))


def main():
    failures = [f"a whole site is refused: {line}" for line in faults_of(SITE)]
    for name, good, bad, expected in FAULTS:
        assert good in SITE[name], good
        found = faults_of({**SITE, name: SITE[name].replace(good, bad)})
        if not any(expected in line for line in found):
            failures.append(f"{name} with {bad!r}: wanted {expected!r}, got {found}")
    for name in SITE:
        if name not in ("docs/page.html", "style.css", "docs/picture.svg", "search_index.js"):
            continue
        if not faults_of({key: text for key, text in SITE.items() if key != name}):
            failures.append(f"nobody misses {name}")
    print("\n".join(failures) or f"{len(FAULTS)} kinds of faults are found")
    raise SystemExit(1 if failures else 0)


if __name__ == "__main__":
    main()
