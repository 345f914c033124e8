#!/usr/bin/env python3
"""Checks a site: check.py FOLDER. Every link, anchor, picture, style and script within it must be there, nothing may
come from the network, no page may be out of reach, and nothing of the Markdown may be left unread. Says what is wrong,
and fails.
"""

import json
import re
import sys
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

ASSETS = {
    "img": ("src", "srcset"),
    "script": ("src",),
    "link": ("href",),
    "iframe": ("src",),
    "object": ("data",),
    "source": ("src", "srcset"),
    "video": ("src", "poster"),
    "audio": ("src",),
    "embed": ("src",),
    "image": ("href", "xlink:href"),
    "use": ("href", "xlink:href"),
}
LEFT_OVER = re.compile(r"GLOSSKEEP|\{\{\w+\}\}|\$\$|^```|!\[[^\]]*\]\(", re.M)
VOID = {
    "area",
    "base",
    "br",
    "col",
    "embed",
    "hr",
    "img",
    "input",
    "link",
    "meta",
    "source",
    "track",
    "wbr",
    "path",
    "rect",
    "mspace",
}


class PageReader(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.ids, self.twice, self.links, self.assets, self.no_alt, self.words, self.styles = (
            set(),
            [],
            [],
            [],
            [],
            [],
            [],
        )
        self.open, self.unclosed, self.title, self.skip = [], [], "", 0

    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        if "id" in a:
            if a["id"] in self.ids:
                self.twice.append(a["id"])
            self.ids.add(a["id"])
        if tag == "a" and "href" in a:
            self.links.append(a["href"])
            if "a" in self.open:
                self.unclosed.append("a link within a link")
        for name in ASSETS.get(tag, ()):
            if a.get(name):
                self.assets += [part.split()[0] for part in a[name].split(",")] if name == "srcset" else [a[name]]
        if tag == "img" and not (a.get("alt") or "").strip():
            self.no_alt.append(a.get("src", ""))
        self.styles.append(a.get("style") or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        if tag not in self.open:
            self.unclosed.append(f"</{tag}> closes nothing")
            return
        while self.open:
            last = self.open.pop()
            if last == tag:
                break
            if last not in ("p", "li", "td", "tr", "dd", "dt"):
                self.unclosed.append(f"<{last}> is not closed")

    def handle_data(self, data):
        if "title" in self.open[-1:] and "svg" not in self.open:
            self.title += data
        if "style" in self.open:
            self.styles.append(data)
        elif not {"pre", "code", "script"} & set(self.open):
            self.words.append(data)


def check(site):
    """What is wrong, a line each."""
    site = site.resolve()
    wrong, pages = [], {}
    for path in sorted(site.rglob("*.html")):
        reader = PageReader()
        reader.feed(path.read_text())
        reader.close()
        pages[path] = reader
    if site / "index.html" not in pages:
        return ["there is no index.html"]

    def follow(page, url, what):
        """The file that a URL of a page means; complains where there is none."""
        name = page.relative_to(site).as_posix()
        if re.match(r"[a-zA-Z][\w+.-]*:|//", url):
            if what != "link" and not url.startswith("data:"):
                wrong.append(f"{name}: the {what} comes from the network: {url}")
            elif what == "link" and not re.match(r"https?://[\w.-]+\.\w+|mailto:", url):
                wrong.append(f"{name}: a strange link: {url}")
            return None
        if url.startswith("/"):
            wrong.append(f"{name}: from a file, {url} is another place")
            return None
        url, _, anchor = url.partition("#")
        target = (page.parent / unquote(url.partition("?")[0])).resolve() if url else page
        if not target.is_file():
            wrong.append(f"{name}: broken {what}: {url}")
            return None
        if not target.is_relative_to(site):
            wrong.append(f"{name}: the {what} leads out of the site: {url}")
            return None
        if anchor and target in pages and unquote(anchor) not in pages[target].ids:
            wrong.append(f"{name}: {url or 'the page'} has no place #{anchor}")
        return target

    reached, queue = set(), [site / "index.html"]
    seen = {}
    for path, reader in pages.items():
        name = path.relative_to(site).as_posix()
        seen[path] = {follow(path, url, "link") for url in reader.links} - {None}
        for url in reader.assets:
            follow(path, url, "asset")
        for text in reader.styles:
            for url in re.findall(r"""url\(\s*['"]?([^'")]+)|@import\s+['"]([^'"]+)""", text):
                follow(path, url[0] or url[1], "style's asset")
        wrong += [f"{name}: the id {i} is there twice" for i in reader.twice]
        wrong += [f"{name}: a picture without a text for those who do not see it: {src}" for src in reader.no_alt]
        wrong += [f"{name}: {what}" for what in reader.unclosed + [f"<{tag}> is not closed" for tag in reader.open]]
        if not reader.title.strip():
            wrong.append(f"{name}: no title")
        left = LEFT_OVER.search("".join(reader.words))
        if left:
            wrong.append(f"{name}: left over: {left[0]}")
    while queue:
        page = queue.pop()
        if page not in reached:
            reached.add(page)
            queue += [target for target in seen.get(page, ()) if target in pages]
    wrong += [f"{path.relative_to(site).as_posix()}: no link leads there" for path in pages if path not in reached]

    for path in site.rglob("*.css"):
        for url in re.findall(r"""url\(\s*['"]?([^'")]+)|@import\s+['"]([^'"]+)""", path.read_text()):
            follow(path, url[0] or url[1], "style's asset")
    for path in site.rglob("*.js"):
        found = re.search(r"""(fetch|import|src\s*=|href\s*=)\s*\(?\s*["'`](https?:)?//""", path.read_text())
        if found:
            wrong.append(f"{path.name}: takes something from the network: {found[0]}")
    for path in site.rglob("*.svg"):
        name = path.relative_to(site).as_posix()
        try:
            root = ET.parse(path).getroot()
        except ET.ParseError as error:
            wrong.append(f"{name}: not a picture: {error}")
            continue
        if root.tag != "{http://www.w3.org/2000/svg}svg" or len(root) == 0:
            wrong.append(f"{name}: not a picture")
        for element in root.iter():
            for key, value in element.attrib.items():
                if key.endswith("href") and not value.startswith(("#", "data:")):
                    follow(path, value, "picture's asset")

    index = site / "search_index.js"
    if not index.is_file():
        return wrong + ["there is nothing to search"]
    entries = json.loads(re.sub(r"^window\.GLOSS_INDEX = |;\s*$", "", index.read_text()))
    for title, _, url, _ in entries:
        if not title.strip():
            wrong.append(f"search: an entry without a name, {url}")
        follow(site / "index.html", url, f"search result {title}")
    found = {url.partition("#")[0] for _, _, url, _ in entries}
    wrong += [
        f"{path.relative_to(site).as_posix()}: the search does not find it"
        for path in pages
        if path.name != "index.html"
        and not path.is_relative_to(site / "source")
        and path.relative_to(site).as_posix() not in found
    ]
    return wrong


def main():
    site = Path(sys.argv[1])
    wrong = check(site)
    for line in wrong[:60]:
        print(line)
    if wrong:
        raise SystemExit(f"{len(wrong)} faults in {site}")
    print(f"{site}: every link, place and picture is there")


if __name__ == "__main__":
    main()
