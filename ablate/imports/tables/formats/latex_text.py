"""The text of a piece of LaTeX, without commands for its looks."""

import re

from ablate.imports.tables.grid import MOST_LETTERS_OF_MARKUP

_SYMBOLS = {
    r"\pm": "±",
    r"\uparrow": "↑",
    r"\downarrow": "↓",
    r"\checkmark": "✓",
    r"\cmark": "✓",
    r"\tick": "✓",
    r"\ding{51}": "✓",
    r"\ding{52}": "✓",
    r"\xmark": "✗",
    r"\ding{55}": "✗",
    r"\ding{56}": "✗",
    r"\times": "×",
    r"\bullet": "●",
    r"\circ": "○",
    r"\infty": "inf",
    r"\textpm": "±",
    r"\textminus": "-",
    r"\textbackslash": "",
    r"\,": "",
    r"\;": " ",
    r"\!": "",
    r"\ ": " ",
    r"\quad": " ",
    r"\dagger": "†",
    r"\ddagger": "‡",
}
_DROPPED = re.compile(
    r"\\(?:cite[a-z]*|label|ref|footnote|footnotemark|cellcolor|rowcolor|color|vspace|hspace|phantom|tablefootnote)"
    r"\*?\s*(?:\[[^\[\]]*\]\s*)?(?:\{[^{}]*\})?"
)
_TWO_ARGUMENTS = re.compile(
    r"\\(?:textcolor|colorbox|fontsize|scalebox|rotatebox)\s*(?:\[[^\[\]]*\])?\{[^{}]*\}\s*\{([^{}]*)\}"
)
_ARGUMENT = re.compile(r"\\[a-zA-Z]+\*?\s*(?:\[[^\[\]]*\])?\{([^{}]*)\}")
_LOOKS = re.compile(
    r"\\(?:bf|bfseries|it|itshape|em|sc|rm|tt|tiny|scriptsize|footnotesize|small|normalsize|large|centering|boldmath"
    r"|displaystyle|noalign|arraybackslash|relax|left|right|hfill|xspace)(?![a-zA-Z])"
)
_NAME = re.compile(r"\\([a-zA-Z]+)")
_SCRIPT = re.compile(r"[_^]\s*\{([^{}]*)\}")


def plain(text: str) -> str:
    """Return a piece of LaTeX as plain text: `$\\mathbf{93.1}_{\\pm 0.2}$` is `93.1 ± 0.2`."""
    if len(text) > MOST_LETTERS_OF_MARKUP:
        return text.strip()
    text = text.replace(r"\$", "＄").replace("$", "").replace("~", " ").replace("＄", "$")
    for symbol, mark in _SYMBOLS.items():
        end = "(?![a-zA-Z])" if symbol[-1].isalpha() else ""
        text = re.sub(re.escape(symbol) + end, mark, text) if symbol in text else text
    text = _LOOKS.sub(" ", _DROPPED.sub("", text))
    for _ in range(20):
        simpler = _ARGUMENT.sub(r"\1", _TWO_ARGUMENTS.sub(r"\1", _SCRIPT.sub(_scripted, text)))
        simpler = re.sub(r"(?<!\\)\{([^{}]*)\}", r"\1", simpler)
        if simpler == text:
            break
        text = simpler
    text = re.sub(r"\\([%&_#{}$])", r"\1", text)
    text = _NAME.sub(r"\1", text).replace(r"\(", "").replace(r"\)", "")
    return " ".join(text.replace("---", "—").replace("``", '"').replace("''", '"').split())


def _scripted(match: re.Match[str]) -> str:
    """Return a raised or lowered piece: spreads, percent signs and differences stay, marks of footnotes go."""
    inside = match[1].strip()
    if inside in ("*", "†", "‡", "a", "b", "c"):
        return ""
    return f" {inside}" if inside[:1] in "±+-(%↑↓" else match[0][0] + inside
