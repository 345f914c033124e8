"""Source code as HTML: colours by Pygments' lexers, names of the API linked to their pages."""

import re
from html import escape

from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Keyword, Literal, Name, Number, Operator, Punctuation, String, Token, Whitespace

CLASSES = (
    (Comment.Preproc, "p"),
    (Comment.PreprocFile, "s"),
    (Comment, "c"),
    (Keyword.Type, "t"),
    (Keyword, "k"),
    (String, "s"),
    (Number, "m"),
    (Literal, "m"),
    (Name.Builtin, "t"),
    (Name.Decorator, "p"),
)
LEXERS = {
    "cpp": "cpp",
    "hpp": "cpp",
    "inc": "cpp",
    "py": "python",
    "sh": "bash",
    "bash": "bash",
    "cmake": "cmake",
    "yml": "yaml",
    "json": "json",
    "text": "text",
    "txt": "text",
    "md": "text",
    "": "text",
    "console": "text",
}
lexers = {}


def css_class(kind):
    for token, name in CLASSES:
        if kind in token:
            return name
    return ""


class Names:
    """The names of the API and where they are explained."""

    def __init__(self, headers):
        self.types, self.functions = {}, {}
        for header in headers.values():
            for e in header.entities:
                table = self.functions if e.kind == "function" else self.types
                if "::" not in e.name and not e.name.startswith("operator") and header.folder != "kernels":
                    where = table.setdefault(e.name, {})
                    where.setdefault(e.namespace, f"{header.page}#{e.anchor}")

    def find(self, name, qualifier, folder, called):
        """The page that explains a name, or None. folder: of the header in which it stands."""
        for table in ((self.functions, self.types) if called else (self.types,)):
            where = table.get(name)
            if not where:
                continue
            if qualifier:
                hits = [url for ns, url in where.items() if ns.endswith("::" + qualifier) or ns == qualifier]
            else:
                own = "gloss::" + folder.partition("/")[0]
                hits = [where[own]] if own in where else [where["gloss"]] if "gloss" in where else list(where.values())
            if len(hits) == 1:
                return hits[0]
        return None


def highlight(text, language, names=None, root="", folder=""):
    """Spans and links, without the <pre>."""
    language = LEXERS.get(language, "text")
    if language == "text":
        return escape(text, quote=False)
    lexer = lexers.setdefault(language, get_lexer_by_name(language, stripnl=False, ensurenl=False))
    tokens = list(lexer.get_tokens(text))
    linked = {}
    if names and language == "cpp":
        linked = links(tokens, names, folder)
    out, last_class, run = [], None, []

    def flush():
        if run:
            body = "".join(run)
            out.append(f'<span class="{last_class}">{body}</span>' if last_class else body)
            run.clear()

    for i, (kind, value) in enumerate(tokens):
        cls, shown = css_class(kind), escape(value, quote=False)
        if value.isspace() and run:
            run.append(shown)
            continue
        if i in linked:
            flush()
            out.append(f'<a class="n" href="{root}{linked[i]}">{shown}</a>')
            last_class = None
            continue
        if cls != last_class:
            flush()
            last_class = cls
        run.append(shown)
    flush()
    return "".join(out)


def links(tokens, names, folder):
    """Which tokens lead where. Where a name of the block is a variable, it is not taken for the op."""
    solid = [
        (i, kind, value)
        for i, (kind, value) in enumerate(tokens)
        if value.strip() and kind not in Comment or kind in Comment.Preproc
    ]
    found, variables = {}, set()
    for at, (i, kind, value) in enumerate(solid):
        if kind not in Name or not re.fullmatch(r"[A-Za-z_]\w*", value):
            continue
        before = solid[at - 1][2] if at else ""
        after = solid[at + 1][2] if at + 1 < len(solid) else ""
        if before in (".", "-", "->", "~") or (before == ">" and at > 1 and solid[at - 2][2] == "-"):
            continue
        qualifier = ""
        if before == ":" and at > 2 and solid[at - 2][2] == ":":
            qualifier = solid[at - 3][2]
        elif before == "::" and at > 1:
            qualifier = solid[at - 2][2]
        if qualifier == "std":
            continue
        called = after in ("(", "<")
        if (
            not called
            and not qualifier
            and before not in ("(", ",", "{", "&")
            and after in (";", "=", ",", "{", ")", ".")
        ):
            variables.add(value)
        url = names.find(value, qualifier, folder, called)
        if url:
            found[i] = (value, qualifier, url)
    return {
        i: url for i, (name, qualifier, url) in found.items() if qualifier or name[0].isupper() or name not in variables
    }


def declaration(text, name):
    """The lines of a source text that declare a class or a function at the left margin, with their comment."""
    lines = text.split("\n")
    is_it = re.compile(
        rf"^(?!\s|//|#)(?:.*\b)?(?:(?:struct|class|concept|enum class) {re.escape(name)}\b(?!;)|{re.escape(name)}\()"
    )
    for at, line in enumerate(lines):
        if not is_it.search(line) or (";" in line and "(" in line and "{" not in line and "}" not in line):
            continue
        begin = at
        while begin > 0 and lines[begin - 1].strip() and not lines[begin - 1].startswith(("}", "#", "namespace")):
            begin -= 1
        end = at
        while not re.match(r"\};?$", lines[end]) and not (end == at and line.rstrip().endswith(("}", "};"))):
            end += 1
            if end == len(lines):
                return None
        return "\n".join(lines[begin : end + 1]), begin + 1
    return None
