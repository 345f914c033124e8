#!/usr/bin/env python3
"""Makes the documentation site: make.py TREE OUT. scripts/make_site.sh calls it.

The site has the shape of the tree: README.md is index.html, docs/x.md is docs/x.html, each example is a page with its
code and its output, each header is a page below api/. Other files that a page links to are shown under source/.
"""

import json
import os
import re
import shutil
import sys
import tempfile
from html import escape, unescape
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

import api
from markdown_page import Page
from source_code import Names, highlight

HERE = Path(__file__).resolve().parent
GUIDES = [
    "cookbook",
    "training",
    "reports",
    "serving",
    "porting",
    "models",
    "files",
    "positions",
    "tensor",
    "ops",
    "linalg",
    "tokenizers",
    "modules",
    "layers",
    "optim",
    "train",
    "metrics",
    "text",
    "data",
    "io",
    "decode",
    "annotated",
    "translate_toy",
    "image_classifier",
    "sentence_search",
    "performance",
    "adding_an_op",
    "adding_a_module",
    "adding_a_model",
    "design",
]  # these first, in this order; the rest of docs/ follows
LISTED = [  # made from headers, with a list of names
    "tensor",
    "ops",
    "linalg",
    "modules",
    "optim",
    "train",
    "metrics",
    "text",
    "data",
    "io",
    "decode",
]


class Site:
    def __init__(self, tree, out):
        self.tree, self.out = tree, out
        self.template = (HERE / "page.html").read_text()
        config = (tree / "include/gloss/core/config.hpp").read_text()
        self.version = ".".join(
            re.search(rf"GLOSS_VERSION_{part} (\d+)", config)[1] for part in ("MAJOR", "MINOR", "PATCH")
        )
        with tempfile.TemporaryDirectory(prefix="gloss-site-", dir=out.parent) as work:
            self.headers = api.load(tree, Path(work))
        self.names = Names(self.headers)
        self.compare_with_listed_pages()
        self.entities = {}  # "nn::Linear" and, where only one has it, "Linear" -> url
        for header in self.headers.values():
            for e in header.entities:
                url = f"{header.page}#{e.anchor}"
                full = (e.namespace.removeprefix("gloss").lstrip(":") + "::" + e.name).removeprefix("::")
                for name in {full, "gloss::" + full, e.name}:
                    self.entities.setdefault(name, set()).add(url)
        docs = tree / "docs"
        rank = {f"docs/{name}.md": i for i, name in enumerate(GUIDES)}
        found = [*tree.glob("*.md"), *docs.rglob("*.md"), *(tree / "packaging").rglob("*.md")]
        pages = [p.relative_to(tree).as_posix() for p in found if p != tree / "README.md"]
        self.book = sorted(
            (p for p in pages if p.startswith("docs/book/")), key=lambda p: (not p.endswith("README.md"), p)
        )
        self.guides = sorted((p for p in pages if p not in self.book), key=lambda p: (rank.get(p, 99), p))
        self.examples = [p.parent.name for p in sorted((tree / "examples").glob("[0-9]*/main.cpp"))]
        self.examples += [
            p.parent.name for p in sorted((tree / "examples").glob("*/main.cpp")) if p.parent.name not in self.examples
        ]
        self.titles = {p: self.title_of((tree / p).read_text()) for p in pages}
        self.wanted = []  # files shown under source/ since a page links to them
        self.index = []  # of the search

    @staticmethod
    def title_of(text):
        return re.sub(r"`", "", re.search(r"(?m)^# (.+)$", text)[1])

    def compare_with_listed_pages(self):
        """These pages are made by a parser of their own; what they name, Doxygen must have found as well."""
        text = "".join((self.tree / f"docs/{name}.md").read_text() for name in LISTED)
        for path, names in re.findall(r"(?m)^- \[([\w/.]+)\]\(#\w+\): (.*)$", text):
            entities = self.headers[path].entities
            found = {e.name.rpartition("::")[2] for e in entities} | {
                getattr(m, "name", m[0] if isinstance(m, tuple) else "") for e in entities for m in e.members
            }
            lost = set(re.findall(r"`([^`]+)`", names)) - found
            if lost:
                raise SystemExit(f"doxygen: {path}: not found: {', '.join(sorted(lost))}")

    # Where things are

    def page_of(self, source):
        if source == "README.md":
            return "index.html"
        return re.sub(r"/README\.html$", "/index.html", re.sub(r"\.md$", ".html", source))

    def resolve(self, source, target):
        """A link as it is seen from a file of the tree: the path it means, or None."""
        path = Path(os.path.normpath(self.tree / Path(source).parent / target))
        return path if path.exists() and path.is_relative_to(self.tree) else None

    def url_of(self, path):
        """The page that shows a file or folder of the tree, or None."""
        path = path.rstrip("/")
        full = self.tree / path
        if path == "README.md" or path in self.titles:
            return self.page_of(path)
        if path.startswith("include/gloss"):
            name = path.removeprefix("include/gloss").lstrip("/")
            if name in self.headers:
                return self.headers[name].page
            if full.is_dir():
                return f"api/{name}/index.html" if name else "api/index.html"
        if path.startswith("examples/"):
            name = path.split("/")[1]
            if name in self.examples and (full.is_dir() or full.name in ("main.cpp", "expected.txt")):
                return f"examples/{name}.html" + ("#output" if full.name == "expected.txt" else "")
        if path in ("examples", "docs", "docs/book"):
            return {"examples": "examples/index.html", "docs": "index.html", "docs/book": "docs/book/index.html"}[path]
        if path.startswith("docs/") and full.suffix in (".svg", ".png", ".jpg"):
            return path if full.exists() else None
        if full.is_file():
            if path not in self.wanted:
                self.wanted.append(path)
            return f"source/{path}.html"
        return None

    def url_of_code(self, text, page):
        """Where code within a sentence leads: a file of the tree, a header, a name of the API."""
        if re.fullmatch(r"[\w./]+\.\w+", text):
            for path in (text, "include/gloss/" + text, "include/" + text):
                if (self.tree / path).is_file():
                    return self.url_of(path)
        match = re.fullmatch(r"<gloss/([\w./]+)>", text)
        if match and match[1] in self.headers:
            return self.headers[match[1]].page
        name = re.sub(r"\(.*\)$|<\w+>$", "", text)
        found = self.entities.get(name, ())
        if len(found) == 1 and len(name) > 2 and (name[0].isupper() or "_" in name or "::" in name or name != text):
            url = next(iter(found))
            return url
        return None

    # Pieces of pages

    def code_block(self, text, language, root, folder="", caption="", kind=""):
        body = highlight(text, language, self.names, root, folder)
        title = f"<figcaption>{caption}</figcaption>" if caption else ""
        return f'<figure class="code {kind}">{title}<pre><code>{body}</code></pre></figure>'

    def sidebar(self, page, root):
        def link(url, text):
            here = ' aria-current="page"' if url == page else ""
            return f'<li><a href="{root}{url}"{here}>{text}</a></li>'

        def group(title, links, open_):
            return f'<details{" open" if open_ else ""}><summary>{title}</summary><ul>{"".join(links)}</ul></details>'

        out = [f'<ul>{link("index.html", "gloss in short")}</ul>']
        if self.book:
            out.append(
                group(
                    "The annotated Transformer",
                    [link(self.page_of(p), escape(self.titles[p])) for p in self.book],
                    page.startswith("docs/book/") or page == "index.html",
                )
            )
        guides = [link(self.page_of(p), escape(self.titles[p])) for p in self.guides]
        out.append(group("Guides", guides, page == "index.html" or page in map(self.page_of, self.guides)))
        out.append(
            group(
                "Examples",
                [link("examples/index.html", "All of them")]
                + [link(f"examples/{name}.html", name) for name in self.examples],
                page.startswith("examples/"),
            )
        )
        links = [link("api/index.html", "All headers")]
        for folder in self.folders():
            links.append(link(f"api/{folder}/index.html", f"{folder}/"))
            if page.startswith(f"api/{folder}/") and page.count("/") == folder.count("/") + 2:
                links.append(
                    "<li><ul>"
                    + "".join(
                        link(h.page, h.path.rpartition("/")[2]) for h in self.headers.values() if h.folder == folder
                    )
                    + "</ul></li>"
                )
        links += [link(h.page, h.path) for h in self.headers.values() if not h.folder]
        out.append(group("Reference", links, page.startswith("api/")))
        return "".join(out)

    def folders(self):
        there = {h.folder for h in self.headers.values() if h.folder}
        order = list(api.FOLDERS)
        return sorted(there, key=lambda f: (order.index(f) if f in order else order.index("kernels") - 0.5, f))

    def write(self, page, title, body, sections=(), description="", around=()):
        root = "../" * page.count("/")
        toc = ""
        if len(sections) > 1:
            toc = (
                '<nav class="toc" aria-label="On this page"><p>On this page</p><ul>'
                + "".join(f'<li><a href="#{anchor}">{name}</a></li>' for anchor, name in sections)
                + "</ul></nav>"
            )
        turn = ""
        if around:
            words = ("Before", "Next")
            turn = (
                '<nav class="turn">'
                + "".join(
                    (
                        f'<a class="{word.lower()}" href="{root}{target[0]}"><small>{word}</small>{target[1]}</a>'
                        if target
                        else "<span></span>"
                    )
                    for word, target in zip(words, around)
                )
                + "</nav>"
            )
        name = re.sub(r"<[^>]+>", "", title)
        text = self.template
        for key, value in {
            "title": name if name == "gloss" else f"{name} · gloss",
            "root": root,
            "version": self.version,
            "sidebar": self.sidebar(page, root),
            "body": body,
            "toc": toc,
            "turn": turn,
            "description": escape(description),
        }.items():
            text = text.replace("{{" + key + "}}", value)
        path = self.out / page
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def find_by(self, title, kind, url, text=""):
        self.index.append([unescape(re.sub(r"<[^>]+>", "", title)), kind, url, text])

    # The pages

    def markdown_pages(self):
        run = ["README.md"] + self.book + self.guides
        for source in run:
            text = (self.tree / source).read_text()
            in_book = source in self.book
            page = Page(self, source, text, math=in_book)
            around = ()
            if in_book:
                at = self.book.index(source)
                around = [
                    (self.page_of(self.book[i]), escape(self.titles[self.book[i]])) if 0 <= i < len(self.book) else None
                    for i in (at - 1, at + 1)
                ]
            title = self.title_of(text)
            sections = [(s["id"], s["name"]) for s in page.sections]
            self.write(
                page.out,
                title,
                page.html,
                sections,
                f"{title}: gloss, tensors, autograd and the Transformer in C++20",
                around,
            )
            kind = "book" if in_book else "guide"
            if source in [f"docs/{name}.md" for name in [*LISTED, "layers"]]:  # their text is that of the reference
                self.find_by(title, kind, page.out)
                continue
            pieces = re.split(r'<h[23] id="([^"]*)">', page.html)
            heads = [("", pieces[0])] + list(zip(pieces[1::2], pieces[2::2]))
            for anchor, html in heads:
                head, _, rest = html.partition("</h2>" if "</h2>" in html else "</h3>") if anchor else ("", "", html)
                head = re.sub(r'<a class="here".*', "", head).strip()
                shown = unescape(
                    re.sub(
                        r"\s+", " ", re.sub(r"<[^>]+>", " ", re.sub(r"<figure.*?</figure>|<wbr>", "", rest, flags=re.S))
                    )
                ).strip()
                self.find_by(
                    f"{head} ({title})" if anchor else title,
                    kind,
                    page.out + ("#" + anchor if anchor else ""),
                    shown[:3000],
                )

    def example_pages(self):
        rows = []
        for at, name in enumerate(self.examples):
            folder = self.tree / "examples" / name
            page, root = f"examples/{name}.html", "../"
            main = (folder / "main.cpp").read_text()
            about = re.match(r"(?:// ?.*\n)+", main)
            about = [line[2:].rstrip() for line in about[0].splitlines()] if about else []
            intro = " ".join(line.strip() for line in about if not line.startswith("   "))
            usage = "\n".join(line.strip() for line in about if line.startswith("   "))
            title = name.replace("_", " ")
            body = [f"<h1>{escape(title)}</h1>", f"<p>{self.sentence(intro, page)}</p>" if intro else ""]
            if usage:
                body.append(self.code_block(usage, "text", root))
            sections = []
            guide = f"docs/{name}.md"
            if guide in self.guides:
                body.append(
                    f'<p>More about it: <a href="{root}{self.page_of(guide)}">{escape(self.titles[guide])}</a>.</p>'
                )
            body.append(
                f"<p>This is the code that <code>ctest -R {name}</code> builds and runs"
                + (
                    ", and below it what it prints: the test compares the two."
                    if (folder / "expected.txt").exists()
                    else "."
                )
                + "</p>"
            )
            files = sorted(
                (p for p in folder.iterdir() if p.suffix in (".cpp", ".hpp", ".py", ".sh")),
                key=lambda p: (p.name != "main.cpp", p.name),
            )
            for path in files:
                sections.append((path.name, path.name))
                body.append(f'<h2 id="{path.name}">{path.name}</h2>')
                body.append(self.code_block(path.read_text().rstrip("\n"), path.suffix[1:], root))
            expected = folder / "expected.txt"
            if expected.exists():
                sections.append(("output", "What it prints"))
                body.append('<h2 id="output">What it prints</h2>')
                body.append(self.code_block(expected.read_text().rstrip("\n"), "text", root, kind="output"))
            pictures = sorted((self.tree / "docs/images" / name).glob("*.svg"))
            if pictures:
                sections.append(("pictures", "What it draws"))
                body.append('<h2 id="pictures">What it draws</h2>')
                for picture in pictures:
                    body.append(
                        f'<figure><img src="{root}docs/images/{name}/{picture.name}" alt="{picture.stem.replace("_", " ")}"></figure>'
                    )
            around = [
                (f"examples/{self.examples[i]}.html", self.examples[i]) if 0 <= i < len(self.examples) else None
                for i in (at - 1, at + 1)
            ]
            self.write(page, title, "".join(body), sections, intro, around)
            self.find_by(name, "example", page, intro)
            rows.append(f'<li><a href="{name}.html"><b>{escape(title)}</b><span>{escape(intro)}</span></a></li>')
        self.write(
            "examples/index.html",
            "Examples",
            "<h1>Examples</h1><p>Programs to read and run. ctest builds and runs each of them; "
            f'where a page shows what one prints, that is what the test compares with.</p><ul class="cards">{"".join(rows)}</ul>',
        )

    def sentence(self, text, page):
        """A comment's text: code in backticks, headers and names of the API that are no plain words are linked."""
        root = "../" * page.count("/")

        def piece(m):
            word = m["code"] or m[0]
            url = self.url_of_code(word, page) if m["code"] or m["name"] else None
            shown = escape(word, quote=False)
            if m["code"]:
                shown = f"<code>{shown}</code>"
            return f'<a class="code" href="{root}{url}">{shown}</a>' if url else shown

        pattern = (
            r"`(?P<code>[^`]+)`"
            r"|(?P<name><gloss/[\w./]+>|\b[\w/]+\.hpp\b|\b(?:\w+::)*(?:\w*(?:[a-z][A-Z]|_)\w*|Tensor|Error)\b(?!\.\w))"
            r"|\w+(?:\.\w+)*|[^\w`<]+|[`<]"  # torch.Tensor is not ours
        )
        return re.sub(pattern, piece, text)

    def doc(self, text, page):
        """A doc comment: what it is, then its labelled lines."""
        if not text.strip():
            return ""
        pieces = [re.sub(r"\s+", " ", piece) for piece in api.LABEL.split(text)]
        out = [f"<p>{self.sentence(pieces[0].strip(), page)}</p>"] if pieces[0].strip() else []
        rows = [
            f"<dt>{label}</dt><dd>{self.sentence(value.strip(), page)}</dd>"
            for label, value in zip(pieces[1::2], pieces[2::2])
        ]
        return "".join(out) + (f"<dl>{''.join(rows)}</dl>" if rows else "")

    def entity(self, group, page, folder):
        root = "../" * page.count("/")
        first = group[0]
        name = escape(first.name, quote=False)
        kind = {
            "function": "",
            "class": "struct" if "struct " in first.signature else "class",
            "alias": "alias",
            "enum": "enum",
            "concept": "concept",
            "variable": "constant",
            "macro": "macro",
        }[first.kind]
        out = [
            f'<section class="entity"><h2 id="{first.anchor}">{name} <small>{kind}</small>'
            f'<a class="here" href="#{first.anchor}" aria-label="Link to {name}">#</a></h2>'
        ]
        for i, e in enumerate(group):
            shown = highlight(e.signature, "cpp", self.names, root, folder)
            shown = re.sub(
                rf'<a class="n" href="{re.escape(root + page)}#{re.escape(e.anchor)}">(.*?)</a>', r"<b>\1</b>", shown
            )
            out.append(f'<pre class="signature"><code>{shown}</code></pre>')
            out.append(self.doc(e.doc, page))
        if first.kind == "class" and first.members:
            rows, seen, anchors = [], {}, {}
            for m in first.members:
                if m.name.startswith("~") or "= delete" in m.signature:
                    continue
                seen[m.name] = seen.get(m.name, 0) + 1
                anchor = api.slug(f"{first.name}.{m.name}") + ("" if seen[m.name] == 1 else f"-{seen[m.name]}")
                anchors.setdefault(m.name, anchor)
                rows.append(
                    f'<div class="member" id="{anchor}"><pre><code>{highlight(m.signature, "cpp", self.names, root, folder)}</code></pre>'
                    f"{self.doc(m.doc, page)}</div>"
                )
                if m.doc and m.kind == "function" and seen[m.name] == 1 and m.name != "visit" and m.name != first.name:
                    self.find_by(f"{first.name}::{m.name}", "member", f"{page}#{anchor}", self.first_sentence(m.doc))
            if len(anchors) > 10:  # a class with many members begins with their names
                names = " ".join(
                    f'<a href="#{anchor}"><code>{escape(name, quote=False)}</code></a>' for name, anchor in anchors.items()
                )
                out.append(f'<p class="names">{names}</p>')
            out.append(f'<div class="members">{"".join(rows)}</div>')
        if first.kind == "enum":
            out.append(
                '<div class="members">'
                + "".join(
                    f'<div class="member"><pre><code>{escape(v)}</code></pre>{self.doc(d, page)}</div>'
                    for v, d in first.members
                )
                + "</div>"
            )
        out.append("</section>")
        kind = "class" if first.kind == "class" else kind or ("op" if folder == "ops" else "function")
        full = (first.namespace.removeprefix("gloss").lstrip(":") + "::" + first.name).removeprefix("::")
        self.find_by(full, kind, f"{page}#{first.anchor}", self.first_sentence(" ".join(e.doc for e in group)))
        return "".join(out)

    @staticmethod
    def first_sentence(doc):
        text = re.sub(r"\s+", " ", api.LABEL.split(doc)[0]).strip() or re.sub(r"\s+", " ", doc)
        return text[:200]

    @staticmethod
    def groups(entities):
        """Overloads together, in the order of the first of them."""
        found = {}
        for e in entities:
            found.setdefault((e.namespace, e.name, e.kind), []).append(e)
        out, anchors = list(found.values()), {}
        return [g for g in out if anchors.setdefault(g[0].anchor, g) is g]

    def api_pages(self):
        for header in self.headers.values():
            page, root = header.page, "../" * header.page.count("/")
            groups = self.groups(header.entities)
            include = self.code_block(f"#include <gloss/{header.path}>", "cpp", root)
            folder = f'<a href="{root}api/{header.folder}/index.html">{header.folder}</a>/' if header.folder else ""
            body = [
                f'<h1>{folder}{header.path.rpartition("/")[2]}</h1><p class="about">{self.sentence(header.about, page)}</p>{include}'
            ]
            sections = [(g[0].anchor, escape(g[0].name, quote=False)) for g in groups] + [("source", "Source")]
            body += [self.entity(g, page, header.folder) for g in groups]
            source = highlight(header.text.rstrip("\n"), "cpp", self.names, root, header.folder)
            body.append(
                f'<h2 id="source">Source</h2><details class="source"{" open" if not groups else ""}><summary>'
                f"{header.path}, {header.text.count(chr(10))} lines</summary><pre><code>{source}</code></pre></details>"
            )
            self.write(page, header.path, "".join(body), sections, header.about)
            self.find_by(header.path, "header", page, header.about)
        tops = []
        for folder in self.folders() + [""]:
            mine = [h for h in self.headers.values() if h.folder == folder]
            rows = []
            root = "../" * (folder.count("/") + 2)
            for h in mine:
                names = " ".join(
                    f'<a href="{root if folder else "../"}{h.page}#{g[0].anchor}"><code>{escape(g[0].name, quote=False)}</code></a>'
                    for g in self.groups(h.entities)
                    if not g[0].name.startswith("detail")
                )
                rows.append(
                    f'<tr><td><a href="{root if folder else "../"}{h.page}">{h.path.rpartition("/")[2]}</a></td>'
                    f'<td>{escape(h.about)}<div class="names">{names}</div></td></tr>'
                )
            table = f'<div class="wide"><table class="headers"><tbody>{"".join(rows)}</tbody></table></div>'
            blurb = api.FOLDERS.get(folder, "")
            if folder:
                self.write(
                    f"api/{folder}/index.html",
                    folder,
                    f'<h1><a href="{root}api/index.html">gloss</a>/{folder}</h1><p class="about">{blurb}</p>{table}',
                )
                tops.append(
                    f'<li><a href="{folder}/index.html"><b>{folder}/</b><span>{blurb}</span><small>{len(mine)} headers</small></a></li>'
                )
                self.find_by(f"{folder}/", "folder", f"api/{folder}/index.html", blurb)
            else:
                tops_table = table
        self.write(
            "api/index.html",
            "Reference",
            "<h1>Reference</h1><p>A page for each header, from its comments. "
            "A header includes its own folder and those before it.</p>"
            f'<h2 id="programs">What a program includes</h2>{tops_table}<h2 id="folders">Folders</h2><ul class="cards">{"".join(tops)}</ul>',
        )

    def source_pages(self):
        for path in self.wanted:  # grows only here above: a shown file links to headers alone
            full = self.tree / path
            text = full.read_text(errors="replace")
            cut = text.count("\n") > 2000
            shown = "\n".join(text.split("\n")[:400]) + "\n..." if cut else text.rstrip("\n")
            language = full.suffix[1:] or ("bash" if text.startswith("#!") else "text")
            page = f"source/{path}.html"
            note = f"<p>The first 400 of {text.count(chr(10))} lines.</p>" if cut else ""
            self.write(page, path, f"<h1>{path}</h1>{note}" + self.code_block(shown, language, "../" * page.count("/")))

    def assets(self):
        for name in ("style.css", "site.js"):
            shutil.copy(HERE / name, self.out / name)
        (self.out / "search_index.js").write_text(
            "window.GLOSS_INDEX = [\n"
            + ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in self.index)
            + "\n];\n"
        )
        for path in (self.tree / "docs").rglob("*"):
            if path.suffix in (".svg", ".png", ".jpg"):
                target = self.out / path.relative_to(self.tree)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, target)


def main():
    tree, out = (Path(argument).resolve() for argument in sys.argv[1:3])
    if out.exists():
        if any(out.iterdir()) and not (out / "search_index.js").exists():
            raise SystemExit(f"make_site: {out} is there and is not a site")
        shutil.rmtree(out)
    out.mkdir(parents=True)
    (out / "search_index.js").touch()  # from here on it is known for a site, even if it is not finished
    site = Site(tree, out)
    site.markdown_pages()
    site.example_pages()
    site.api_pages()
    site.source_pages()
    site.assets()
    print(f"{out / 'index.html'}: {sum(1 for _ in out.rglob('*.html'))} pages, {len(site.index)} entries to search")


if __name__ == "__main__":
    main()
