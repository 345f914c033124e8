"""Markdown, as the project writes it, to HTML.

What it adds to plain Markdown:
- `<!-- FILE -->` above a block of code is shown as its caption, with a link to the file.
- A paragraph that is a link to a source file and nothing else is replaced by the file's text. [FILE: NAME](FILE) shows
  the declaration of NAME in it, [FILE: NAME, OTHER](FILE) two of them. On a site that knows nothing of this it stays a link.
- In the book, $...$ and $$...$$ are formulas.
"""

import re
from html import escape, unescape

import markdown

from source_code import declaration, highlight
from mathml import to_mathml


def github_slug(text, separator="-"):
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", unescape(text).strip().lower()).replace(" ", separator)


WBR = r"\1<wbr>"


class Page:
    def __init__(self, site, source, text, math=False):
        self.site, self.source = site, source  # source: path in the tree, from which links are seen
        self.out = site.page_of(source)
        self.root = "../" * self.out.count("/")
        self.stash = []
        self.html = self.render(text, math)

    def keep(self, html):
        self.stash.append(html)
        return f"GLOSSKEEP{len(self.stash) - 1}X"

    def render(self, text, math):
        text = re.sub(
            r"(?m)^(?:<!-- (?P<path>\S+) -->\n)?(?P<indent> *)```(?P<lang>\w*)\n(?P<body>.*?)^(?P=indent)```$",
            self.fenced,
            text,
            flags=re.S,
        )
        text = re.sub(r"(?m)(?<=\n\n)\[([^\]\n]+)\]\(([^)\s]+)\)(?=\n\n|\n*\Z)", self.shown_file, text)
        if math:
            text = re.sub(
                r"\$\$(.+?)\$\$", lambda m: f"\n\n{self.keep(self.formula(m[1], True))}\n\n", text, flags=re.S
            )
            text = re.sub(
                r"(?<![\\\w`$])\$(?=\S)([^$`]+?)(?<=\S)\$(?!\w)", lambda m: self.keep(self.formula(m[1], False)), text
            )
        # There is no HTML in the pages: what looks like it is C++. Marked here, and written out below.
        text = re.sub(r"(`+).+?\1|<(?=[A-Za-z/])(?!https?:)", lambda m: m[0] if m[1] else "\ue000", text, flags=re.S)
        converter = markdown.Markdown(
            extensions=["tables", "sane_lists", "toc"], extension_configs={"toc": {"slugify": github_slug}}
        )
        html = converter.convert(text).replace("\ue000", "&lt;")
        self.sections = [s for top in converter.toc_tokens for s in (top["children"] if top["level"] == 1 else [top])]
        html = re.sub(r'(<(?:a|img)\b[^>]*?\b(?:href|src)=")([^"]+)"', lambda m: f'{m[1]}{self.link(m[2])}"', html)
        html = re.sub(r"<pre><code>(.*?)</code></pre>", r'<pre class="plain"><code>\1</code></pre>', html, flags=re.S)
        html = re.sub(
            r'<a\b.*?</a>|<pre class="plain">.*?</pre>|<code>([^<]+)</code>', self.inline_code, html, flags=re.S
        )
        html = re.sub(r"<p>(<img[^>]*>)</p>", self.figure, html)
        html = re.sub(r"<table>(.*?)</table>", r'<div class="wide"><table>\1</table></div>', html, flags=re.S)
        html = re.sub(
            r'<(h[2-4]) id="([^"]*)">(.*?)</\1>',
            r'<\1 id="\2">\3 <a class="here" href="#\2" aria-label="Link to this section">#</a></\1>',
            html,
            flags=re.S,
        )
        for _ in range(2):
            html = re.sub(r"<p>(GLOSSKEEP\d+X)</p>", r"\1", html)
            html = re.sub(r"GLOSSKEEP(\d+)X", lambda m: self.stash[int(m[1])], html)
        return html

    def formula(self, tex, block):
        try:
            # Pieces with a wide space between them may come below each other where the page is narrow.
            pieces = [to_mathml(piece, block) for piece in (tex.split(r"\qquad") if block else [tex])]
        except ValueError as error:
            raise SystemExit(f"{self.source}: {error}") from None
        return (
            '<div class="formula">' + "".join(f"<span>{piece}</span> " for piece in pieces) + "</div>"
            if block
            else pieces[0]
        )

    def fenced(self, m):
        body = re.sub(rf"(?m)^{m['indent']}", "", m["body"]).rstrip("\n")
        block = self.site.code_block(body, m["lang"], self.root, "", self.caption(m["path"]) if m["path"] else "")
        return f"\n{m['indent']}{self.keep(block)}\n"

    def caption(self, path, label=""):
        url = self.site.url_of(path)
        label = label or escape(path)
        return f'<a href="{self.root}{url}">{label}</a>' if url else label

    def shown_file(self, m):
        label, target = m[1], m[2]
        path = self.site.resolve(self.source, target)
        if not path or path.suffix in (".md", ".svg", ".png") or not path.is_file():
            return m[0]
        name = path.relative_to(self.site.tree).as_posix()
        text, folder = path.read_text().rstrip("\n"), ""
        if name.startswith("include/gloss/"):
            folder = name.removeprefix("include/gloss/").rpartition("/")[0]
        if ": " in label:
            pieces = []
            for what in label.split(": ", 1)[1].replace("`", "").split(", "):
                found = declaration(text, what)
                if not found:
                    raise SystemExit(f"{self.source}: {name} has no {what}")
                pieces.append(found[0])
            text = "\n\n".join(pieces)
        language = path.suffix[1:]
        shown = name.removeprefix("include/gloss/")
        kind = "output" if path.suffix == ".txt" else ""
        return self.keep(
            self.site.code_block(text, language, self.root, folder, self.caption(name, escape(shown)), kind)
        )

    def link(self, target):
        if re.match(r"(https?:|mailto:|#)", target):
            return target
        target, hash_, anchor = target.partition("#")
        path = self.site.resolve(self.source, unescape(target))
        url = self.site.url_of(path.relative_to(self.site.tree).as_posix()) if path else None
        if url is None:
            raise SystemExit(f"{self.source}: the link {target} leads nowhere")
        return self.root + url + ("#" + anchor if anchor and "#" not in url else "")

    def inline_code(self, m):
        if m[1] is None:
            return m[0]  # is a link, or a block
        url = self.site.url_of_code(unescape(m[1]), self.out)
        code = f"<code>{re.sub(r'(?<=[^/:])(/|::)(?=[^/:])', WBR, m[1])}</code>"  # where a narrow column may break it
        return f'<a class="code" href="{self.root}{url}">{code}</a>' if url else code

    def figure(self, m):
        title = re.search(r' title="([^"]*)"', m[1])
        caption = f"<figcaption>{title[1]}</figcaption>" if title else ""
        picture = m[1].replace(title[0], "") if title else m[1]
        source = re.search(r'src="([^"]*)"', picture)[1]
        return f'<figure><a href="{source}">{picture}</a>{caption}</figure>'
