"""TeX formulas, as far as the book uses them, to MathML, which browsers show without a script or a font of ours.

What is not known here is an error, so that no formula is shown half.
"""

import re
from html import escape

SYMBOLS = {
    "alpha": "α",
    "beta": "β",
    "gamma": "γ",
    "delta": "δ",
    "epsilon": "ε",
    "eta": "η",
    "varepsilon": "ε",
    "theta": "θ",
    "lambda": "λ",
    "mu": "μ",
    "pi": "π",
    "sigma": "σ",
    "omega": "ω",
    "Sigma": "Σ",
    "Delta": "Δ",
    "infty": "∞",
    "ldots": "…",
    "dots": "…",
    "cdots": "⋯",
    "ell": "ℓ",
    "partial": "∂",
}
OPERATORS = {
    "cdot": "⋅",
    "times": "×",
    "le": "≤",
    "ge": "≥",
    "ne": "≠",
    "in": "∈",
    "to": "→",
    "leftarrow": "←",
    "mapsto": "↦",
    "odot": "⊙",
    "approx": "≈",
    "sim": "∼",
    "pm": "±",
    "mid": "∣",
    "mid|": "∣",
    "lVert": "‖",
    "rVert": "‖",
    "colon": ":",
    "top": "⊤",
    "circ": "∘",
    "langle": "⟨",
    "rangle": "⟩",
    "lfloor": "⌊",
    "rfloor": "⌋",
    "|": "‖",
    "{": "{",
    "}": "}",
}
BIG = {"sum": "∑", "prod": "∏"}
FUNCTIONS = {"sin", "cos", "tan", "exp", "log", "min", "max", "arg"}
LIMITS = {"max", "min", "arg", "argmax"}
SPACES = {",": "0.167em", ";": "0.278em", " ": "0.25em", "quad": "1em", "qquad": "2em", "!": "-0.167em"}
TOKEN = re.compile(r"\\([A-Za-z]+|.)|([A-Za-z])|(\d+(?:\.\d+)?)|\s+|(.)", re.S)


class Parser:
    def __init__(self, tex):
        self.tex = tex
        self.tokens = []
        for m in TOKEN.finditer(tex):
            if m[1] is not None:
                self.tokens.append(("command", m[1]))
            elif m[2]:
                self.tokens.append(("letter", m[2]))
            elif m[3]:
                self.tokens.append(("number", m[3]))
            elif m[4]:
                self.tokens.append(("sign", m[4]))
        self.at = 0

    def fail(self, why):
        raise ValueError(f"formula {self.tex!r}: {why}")

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def next(self):
        token = self.peek()
        if token is None:
            self.fail("it ends too early")
        self.at += 1
        return token

    def row(self, *ends):
        """Everything up to one of the tokens, which is eaten; returns MathML and the token."""
        out = []
        while True:
            token = self.peek()
            if token is None:
                if None in ends:
                    return "".join(out), None
                self.fail(f"no {ends}")
            if token in ends:
                self.at += 1
                return "".join(out), token
            out.append(self.scripted())

    def scripted(self):
        base, limits = self.atom()
        sub = sup = None
        while self.peek() in (("sign", "_"), ("sign", "^")):
            if self.next()[1] == "_":
                sub = self.argument()
            else:
                sup = self.argument()
        if sub is None and sup is None:
            return base
        tags = ("munder", "mover", "munderover") if limits else ("msub", "msup", "msubsup")
        if sub is not None and sup is not None:
            return f"<{tags[2]}>{base}{sub}{sup}</{tags[2]}>"
        tag, script = (tags[0], sub) if sub is not None else (tags[1], sup)
        return f"<{tag}>{base}{script}</{tag}>"

    def argument(self):
        if self.peek() == ("sign", "{"):
            self.next()
            return f"<mrow>{self.row(('sign', '}'))[0]}</mrow>"
        return self.atom()[0]

    def words(self):
        if self.next() != ("sign", "{"):
            self.fail("a brace is missing after \\text or \\mathrm")
        # from the source, since spaces count
        depth, out = 1, []
        while depth:
            kind, value = self.next()
            depth += (value == "{") - (value == "}") if kind == "sign" else 0
            if depth:
                out.append(value if kind != "command" else {"_": "_"}.get(value, " "))
        return "".join(out)

    def atom(self):
        kind, value = self.next()
        if kind == "letter":
            return f"<mi>{value}</mi>", False
        if kind == "number":
            return f"<mn>{value}</mn>", False
        if kind == "sign":
            if value == "{":
                return f"<mrow>{self.row(('sign', '}'))[0]}</mrow>", False
            if value in "}&":
                self.fail(f"unexpected {value}")
            if value == "'":
                return "<mo>′</mo>", False
            stretchy = ' stretchy="false"' if value in "()[]|" else ""
            return f"<mo{stretchy}>{escape({'-': '−', '*': '∗'}.get(value, value))}</mo>", False
        if value == "frac":
            return f"<mfrac>{self.argument()}{self.argument()}</mfrac>", False
        if value == "sqrt":
            return f"<msqrt>{self.argument()}</msqrt>", False
        if value in ("hat", "bar", "tilde"):
            sign = {"hat": "^", "bar": "¯", "tilde": "~"}[value]
            return f'<mover accent="true">{self.argument()}<mo>{sign}</mo></mover>', False
        if value in ("mathrm", "text", "operatorname"):
            start = self.at
            name = self.words()
            if value == "text":
                begin = [m for m in TOKEN.finditer(self.tex) if not (m[0].isspace())][start].end()
                name = self.tex[begin : self.tex.index("}", begin)]
                return f"<mtext>{escape(name).replace(' ', chr(160))}</mtext>", False
            return f'<mi mathvariant="normal">{escape(name)}</mi>', name in LIMITS
        if value == "mathbb":
            return f'<mi mathvariant="normal">{ {"R": "ℝ", "E": "𝔼", "N": "ℕ"}[self.words()] }</mi>', False
        if value in FUNCTIONS:
            return f'<mi mathvariant="normal">{value}</mi>', value in LIMITS
        if value in BIG:
            return f"<mo>{BIG[value]}</mo>", True
        if value in SYMBOLS:
            return f"<mi>{SYMBOLS[value]}</mi>", False
        if value in SPACES:
            return f'<mspace width="{SPACES[value]}"/>', False
        if value in OPERATORS:
            return f'<mo stretchy="false">{OPERATORS[value]}</mo>', False
        if value == "left":
            opening = self.fence()
            inner, _ = self.row(("command", "right"))
            return f"<mrow>{opening}{inner}{self.fence()}</mrow>", False
        if value == "begin":
            return self.environment(), False
        self.fail(f"\\{value} is not known")

    def fence(self):
        kind, value = self.next()
        if value == ".":
            return ""
        if kind == "command":
            value = OPERATORS[value]
        return f'<mo fence="true" stretchy="true">{escape(value)}</mo>'

    def environment(self):
        name = self.words()
        rows, cells = [], []
        while True:
            cell, end = self.row(("sign", "&"), ("command", "\\"), ("command", "end"))
            cells.append(f"<mtd>{cell}</mtd>")
            if end != ("sign", "&"):
                if len(cells) > 1 or cell:
                    rows.append(f"<mtr>{''.join(cells)}</mtr>")
                cells = []
            if end == ("command", "end"):
                if self.words() != name:
                    self.fail(f"\\begin{{{name}}} ends otherwise")
                break
        fences = {"pmatrix": "()", "bmatrix": "[]", "cases": "{ ", "aligned": "  "}.get(name)
        if not fences:
            self.fail(f"{name} is not known")
        columns = {"cases": "left left", "aligned": "right left"}.get(name, "center")
        table = f'<mtable columnalign="{columns}" class="{name}">{"".join(rows)}</mtable>'
        left, right = (f'<mo fence="true" stretchy="true">{f}</mo>' if f != " " else "" for f in fences)
        return f"<mrow>{left}{table}{right}</mrow>"


def to_mathml(tex, block):
    inner, _ = Parser(tex.strip()).row(None)
    display = ' display="block"' if block else ""
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML"{display}><mrow>{inner}</mrow></math>'


if __name__ == "__main__":
    import sys

    print(to_mathml(sys.argv[1], True))
