"""The API as Doxygen reads it: headers in, a list of what each of them declares out.

Doxygen parses the C++; the comments it hands through untouched (they are wrapped in @verbatim first), since their
`Shape:` and `Errors:` lines and their formulas are not Doxygen's markup.
"""

import re
import subprocess
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from pathlib import Path

FOLDERS = {  # in the order in which headers may include each other; what stands in them
    "": "What a program includes",
    "core": "Shapes, errors, random numbers, threads",
    "tensor": "The tensor, its views and factories, and reverse mode",
    "ops": "Functions of tensors, each with its derivative",
    "nn": "Modules, parameters and PyTorch's layers",
    "nn/positions": "Encodings of positions",
    "transformer": "The classes of the Annotated Transformer",
    "models": "Whole models",
    "optim": "Optimizers and schedules",
    "train": "Metrics, progress, pictures",
    "train/annotated": "The Annotated Transformer's batches, loss and loop",
    "decode": "Greedy and beam search, sampling",
    "text": "Text to token ids and back: UTF-8, vocabularies, subwords",
    "data": "Data sets, samplers, the loader, readers of files, batches of like length",
    "data/pairs": "Files of sentence pairs",
    "io": "Files: safetensors, NumPy, images",
    "dist": "Several processes",
    "kernels": "Raw loops below the ops; not for users",
    "kernels/gemm": "Behind kernels/gemm.hpp: products of matrices",
    "kernels/attention": "Behind kernels/attention.hpp",
    "kernels/conv": "Behind kernels/conv.hpp: convolutions",
    "kernels/simd": "Vectors, and functions of them",
}

LABELS = ("Shape", "Errors", "Backward", "Source", "PyTorch", "AT", "Keys", "NumPy", "einops", "Derivative")
LABEL = re.compile(r"(?m)(?:^|(?<=[.;)] ))(" + "|".join(LABELS) + r"): ")


@dataclass
class Entity:
    kind: str  # function, class, alias, enum, concept, variable, macro
    name: str
    namespace: str  # gloss::nn
    header: str  # nn/linear.hpp
    line: int
    signature: str
    doc: str
    members: list = field(default_factory=list)  # of a class: Entity; of an enum: (name, doc)

    @property
    def anchor(self):
        return slug(self.name)


@dataclass
class Header:
    path: str  # nn/linear.hpp
    about: str  # the first comment
    text: str
    entities: list = field(default_factory=list)

    @property
    def folder(self):
        return self.path.rpartition("/")[0]

    @property
    def page(self):
        return f"api/{self.path}.html"


OPERATORS = {
    "==": "eq",
    "!=": "ne",
    "<=": "le",
    ">=": "ge",
    "<": "lt",
    ">": "gt",
    "+": "plus",
    "-": "minus",
    "*": "times",
    "/": "divided",
    "%": "remainder",
    "&": "and",
    "|": "or",
    "^": "xor",
    "~": "not-bits",
    "!": "not",
    "()": "call",
    "[]": "at",
    "=": "assign",
    "<<": "shift-left",
    ">>": "shift-right",
    "->": "arrow",
    "++": "increment",
    "--": "decrement",
}


def slug(name):
    """A name as an anchor: operators get words."""

    def word(match):
        sign = match[1].strip()
        if sign.endswith("=") and sign[:-1] in OPERATORS and sign not in OPERATORS:
            return "operator-" + OPERATORS[sign[:-1]] + "-assign"
        return "operator-" + OPERATORS.get(sign, re.sub(r"\W+", "-", sign).strip("-"))

    return re.sub(r"[^\w.~-]+", "-", re.sub(r"operator\s*(\W.*)$", word, name)).replace("~", "destructor-")


def for_doxygen(text):
    """A header as Doxygen is to see it; every line stays on its line."""
    text = re.sub(r"gloss::inline GLOSS_ABI\b", "gloss", text)
    text = re.sub(r"\((max|min)\)(?=\()", r" \1", text)  # parentheses against macros
    out, inside_class = [], False
    lines = text.split("\n")
    for i, line in enumerate(lines):
        if re.match(r"(struct|class)\b.*\{$", line):
            inside_class = True
        elif line.startswith("}"):
            inside_class = False
        trailing = re.match(r"(  \S.*[;,]) +///?<? ?(?!NOLINT)(.*)$", line)
        if trailing and ("///<" in line or inside_class):
            line = f"{trailing[1]}  ///< @verbatim {trailing[2]} @endverbatim"
        elif match := re.match(r"(\s*)/// ?(.*)$", line):
            first = i == 0 or not lines[i - 1].lstrip().startswith("///")
            last = not lines[i + 1].lstrip().startswith("///")
            line = f"{match[1]}/// {'@verbatim ' if first else ''}{match[2]}{' @endverbatim' if last else ''}"
        out.append(line)
    return "\n".join(out)


def run_doxygen(include, headers, work):
    """Writes work/xml."""
    source = work / "headers"
    for header in headers:
        copy = source / header
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(for_doxygen((include / header).read_text()))
    settings = {
        "INPUT": source,
        "RECURSIVE": "YES",
        "FILE_PATTERNS": "*.hpp",
        "STRIP_FROM_PATH": source,
        "OUTPUT_DIRECTORY": work,
        "GENERATE_HTML": "NO",
        "GENERATE_LATEX": "NO",
        "GENERATE_XML": "YES",
        "XML_PROGRAMLISTING": "NO",
        "EXTRACT_ALL": "YES",
        "JAVADOC_AUTOBRIEF": "NO",
        "MARKDOWN_SUPPORT": "NO",
        "AUTOLINK_SUPPORT": "NO",
        "QUIET": "YES",
        "WARN_IF_DOC_ERROR": "YES",
        "SORT_MEMBER_DOCS": "NO",
        "ENABLE_PREPROCESSING": "YES",
        "MACRO_EXPANSION": "YES",
        "EXPAND_ONLY_PREDEF": "YES",
        "SEARCH_INCLUDES": "NO",
        "HAVE_DOT": "NO",
        "EXTENSION_MAPPING": "hpp=C++",
        "PREDEFINED": '"GLOSS_INSTANTIATE(...)=" GLOSS_ZLIB _OPENMP '
        '"GLOSS_ALWAYS_INLINE=" "GLOSS_NOINLINE=" "GLOSS_COLD=" "GLOSS_LAZY="',
    }
    doxyfile = "".join(f"{key} = {value}\n" for key, value in settings.items())
    done = subprocess.run(["doxygen", "-"], input=doxyfile, text=True, capture_output=True)
    if done.returncode != 0:
        raise SystemExit("doxygen: " + done.stderr)
    # A definition apart from its declaration it does not always find; the declaration is what counts.
    warnings = [line for line in done.stderr.splitlines() if "warning:" in line and "no matching" not in line]
    if warnings:
        raise SystemExit("doxygen:\n" + "\n".join(warnings).replace(f"{source}/", "include/gloss/"))


def plain(node):
    return "" if node is None else re.sub(r"\s+", " ", "".join(node.itertext())).strip()


def documentation(node):
    parts = [
        v.text or "" for tag in ("briefdescription", "detaileddescription") for v in node.iterfind(f"{tag}//verbatim")
    ]
    return "\n".join(re.sub(r"^\s*///? ?", "", line).rstrip() for part in parts for line in part.strip().split("\n"))


def template(node):
    params = node.find("templateparamlist")
    if params is None:
        return ""
    shown = []
    for param in params.iterfind("param"):
        text = plain(param.find("type"))
        name = plain(param.find("declname"))
        if name and not re.search(rf"\b{re.escape(name)}$", text):
            text += " " + name
        default = plain(param.find("defval"))
        shown.append(text + (f" = {default}" if default else ""))
    requires = plain(node.find("requiresclause"))
    return f"template <{', '.join(shown)}>\n" + (f"  requires {requires}\n" if requires else "")


def tidy(code):
    """Doxygen's spacing of types and arguments, as the project writes them."""
    code = re.sub(r"< (?=[\w:])", "<", code)
    code = re.sub(r"(?<=[\w>*&]) >", ">", code)
    code = re.sub(r" ([&*]+)(?=[\w(,)>]| \w|$)", r"\1 ", code)
    code = re.sub(r"([&*]) +([,)>])", r"\1\2", code)
    code = re.sub(r" ([&*]+)\.\.\. ?", r"\1... ", code)
    code = re.sub(r"\bgloss::(?=[\w:]+)", "", code)
    code = re.sub(r"  +", " ", code)
    code = re.sub(r"\s*=\s*", " = ", code) if "operator" not in code else code
    return code.strip()


def wrap(code, open_at, width=96):
    """Arguments, which begin at the parenthesis open_at, below each other where the line would be too long."""
    if len(code) <= width or open_at < 0:
        return code
    start = open_at + 1
    depth, parts, piece, end = 1, [], "", len(code)
    for i in range(start, len(code)):
        c = code[i]
        depth += c in "([{<"
        depth -= c in ")]}>" and code[i - 1] != "-"
        if depth == 0:
            end = i
            break
        if c == "," and depth == 1:
            parts.append(piece.strip())
            piece = ""
        else:
            piece += c
    parts.append(piece.strip())
    return code[:start] + "\n    " + ",\n    ".join(parts) + code[end:]


def function_signature(node, name):
    prefix = " ".join(
        word
        for word, attribute in (("static", "static"), ("virtual", "virt"), ("explicit", "explicit"))
        if node.get(attribute) in ("yes", "virtual", "pure-virtual")
    )
    kind = tidy(plain(node.find("type")))
    kind = re.sub(r"\b(inline|constexpr|static)\b ?", lambda m: "constexpr " if m[1] == "constexpr" else "", kind)
    args = tidy(plain(node.find("argsstring")))
    args = re.sub(r"\)(const|noexcept|override)", r") \1", args)
    if "override" in args:
        prefix = prefix.replace("virtual", "").strip()
    start = " ".join(part for part in (prefix, kind, name) if part)
    return template(node) + wrap(start + args, len(start) if args.startswith("(") else -1)


def read(xml, headers):
    """Fills the headers (path -> Header) with their entities."""

    def add(entity):
        if entity.header in headers and "detail" not in entity.namespace.split("::"):
            headers[entity.header].entities.append(entity)

    def member(node, namespace):
        kind, name = node.get("kind"), plain(node.find("name"))
        location = node.find("location")
        header, line = location.get("file"), int(location.get("line"))
        doc = documentation(node)
        if kind == "function":
            return Entity("function", name, namespace, header, line, function_signature(node, name), doc)
        if kind == "enum":
            values = [(plain(v.find("name")), documentation(v)) for v in node.iterfind("enumvalue")]
            return Entity("enum", name, namespace, header, line, f"enum class {name}", doc, values)
        if kind == "typedef":
            return Entity(
                "alias",
                name,
                namespace,
                header,
                line,
                template(node) + f"using {name} = {tidy(plain(node.find('type')))}",
                doc,
            )
        if kind == "variable":
            type_ = tidy(plain(node.find("type")))
            value = plain(node.find("initializer"))
            value = value if len(value) < 60 else ""
            if value and not value.startswith(("=", "{")):
                value = "= " + value
            args = plain(node.find("argsstring"))
            return Entity(
                "variable",
                name,
                namespace,
                header,
                line,
                template(node) + f"{type_} {name}{args}" + (f" {value}" if value else ""),
                doc,
            )
        if kind == "define":
            params = [plain(p) for p in node.iterfind("param")]
            return Entity(
                "macro", name, "", header, line, f"#define {name}" + (f"({', '.join(params)})" if params else ""), doc
            )
        return None

    for path in sorted(xml.glob("*.xml")):
        if path.name == "index.xml":
            continue
        compound = ET.parse(path).getroot().find("compounddef")
        if compound is None:
            continue
        kind, name = compound.get("kind"), plain(compound.find("compoundname"))
        if kind == "namespace":
            for node in compound.iterfind("sectiondef/memberdef"):
                found = member(node, name)
                # Undocumented ones too, but for kernels: an operator needs no words beside its function.
                if found and (found.doc or not found.header.startswith("kernels/")):
                    add(found)
        elif kind == "file":
            for node in compound.iterfind("sectiondef[@kind='define']/memberdef"):
                found = member(node, "")
                if found and found.doc:
                    add(found)
        elif kind == "concept":
            location = compound.find("location")
            namespace, _, short = name.rpartition("::")
            text = re.sub(
                r"^template ?<\s*(.*?)\s*> ?concept [\w:]+ = ",
                rf"template <\1>\nconcept {short} = ",
                plain(compound.find("initializer")),
            )
            add(
                Entity(
                    "concept",
                    short,
                    namespace,
                    location.get("file"),
                    int(location.get("line")),
                    text,
                    documentation(compound),
                )
            )
        elif kind in ("struct", "class") and compound.get("prot") != "private":
            namespace, _, short = name.rpartition("::")
            if "<" in name or not namespace.startswith("gloss"):
                continue  # a specialisation
            location = compound.find("location")
            bases = ", ".join(tidy(plain(b)) for b in compound.iterfind("basecompoundref") if b.get("prot") == "public")
            entity = Entity(
                "class",
                short,
                namespace,
                location.get("file"),
                int(location.get("line")),
                template(compound)
                + f"{kind} {short}"
                + (" final" if compound.get("final") == "yes" else "")
                + (f" : {bases}" if bases else ""),
                documentation(compound),
            )
            for node in compound.iterfind("sectiondef/memberdef"):
                if node.get("prot") == "public" and node.get("kind") != "friend":
                    found = member(node, name)
                    if found:
                        entity.members.append(found)
            entity.members.sort(key=lambda m: m.line)
            add(entity)

    for header in headers.values():
        header.entities.sort(key=lambda e: e.line)
        classes = {f"{e.namespace}::{e.name}" for e in header.entities if e.kind == "class"}
        for e in header.entities:
            if e.namespace in classes:  # a class within a class, under its full name
                outer = e.namespace.rpartition("::")
                e.name, e.namespace = f"{outer[2]}::{e.name}", outer[0]


def load(root, work):
    include = root / "include" / "gloss"
    headers = {}
    for path in sorted(include.rglob("*.hpp")):
        text = path.read_text()
        about = re.match(r"(?:// ?.*\n)+", text)
        about = " ".join(line[2:].strip() for line in about[0].splitlines()) if about else ""
        headers[path.relative_to(include).as_posix()] = Header(path.relative_to(include).as_posix(), about, text)
    run_doxygen(include, headers, work)
    read(work / "xml", headers)
    return headers
