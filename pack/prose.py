# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Refuses words that readers of English as a second language must read twice.

It reads docstrings, comments, names of tests, Markdown, the descriptions in YAML and Terraform
files, and in `src` also string literals: statuses, errors, logs. It prints file, line and a better
word for each match. It checks words only.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_SKIPPED = frozenset({"build", "dist", "lib", "node_modules", "recordings"})
"""Folders that hold no text of the project: other people's code, and recorded data."""
_TEST = "test_"
_HIDDEN = frozenset({".ci", ".github"})
"""Hidden folders of the project. Tools make the others."""


@dataclass(frozen=True)
class Rule:
    """A pattern that the prose must not have, and what to write instead."""

    pattern: re.Pattern[str]
    better: str


def _rule(pattern: str, better: str) -> Rule:
    """A rule in which a space matches any white space, so that a phrase may cross a line."""
    return Rule(re.compile(pattern.replace(" ", r"\s+"), re.IGNORECASE), better)


def _start(pattern: str, better: str) -> Rule:
    """A rule for the first words of a sentence. Case counts."""
    phrase = pattern.replace(" ", r"\s+")
    return Rule(re.compile(rf"(?:\A|(?<=[.:!?]\s)|(?<=\n\n)|(?<=[|] ))\s*(?:{phrase})"), better)


RULES: tuple[Rule, ...] = (
    _rule(r"\bwho(so)?ever\b", "name the actor: any unit that, everyone who"),
    _rule(r"\bwhomever\b", "name the person"),
    _rule(r"\bthat which\b", "what, or the noun: the pool that"),
    _rule(
        r"\b(?!none\b|one\b|some\b|all\b|each\b|both\b|many\b|most\b)\w+ of which\b",
        "two sentences",
    ),
    _rule(r"\b(of|for|from|by|with|to) whom\b", "name the person: the unit that"),
    _rule(r"\bapart by\b", "separated by"),
    _rule(
        r"(?<!there\s)\b(is|are|was|were|be) no (?!longer\b|(more|later|other) than\b)(?=\w)",
        "is not a",
    ),
    _rule(r"\bnobody (knows|hears|speaks) of\b", "say what is unknown, and to which unit"),
    _rule(
        r"\b(nor|neither|so) (do|does|did|is|are|was|were|has|have|can|will|must)"
        r" (it|he|they|the|an?|one|every|its|this|that)\b",
        "a full sentence, with also or not",
    ),
    _rule(r"\bbe it (an?|the|by|in|on|as|that|from)\b", "whether it is"),
    _rule(r"\blest\b", "so that ... not"),
    _rule(
        r"\b(thereby|whereby|hereby|whereof|thereof|wherein|therein|whereupon|thereupon)\b",
        "two sentences",
    ),
    _rule(r"\bthus\b", "so"),
    _rule(r"\b(save|but) for\b", "except"),
    _rule(r"\bnone but\b", "only"),
    _rule(r"\b(shall|ought|whilst|hence|albeit|amongst)\b", "must, while, so, although, among"),
    _rule(r"\bno (end|matter) (of|how)\b", "say how much, or: however"),
    _rule(r"\banew\b", "again"),
    _rule(r"\bas yet\b", "yet"),
    _rule(
        r"\b(knows?|has|have|is|are|uses?|needs?|wants?|exists?)( \w+)? no more(?=[.,;:)]|$)",
        "no longer",
    ),
    _rule(
        r"\b(is|are|was|were|has been|have been|be) had (by|from|of)\b",
        "comes from, or: the active verb",
    ),
    _rule(r"\bcomes? to no end\b", "does not end"),
    _rule(r"\bwere it not\b|\bhad it not\b|\bshould it (not )?(?!be\b)", "if"),
    _start(r"Who (?!is\b|can\b|does\b|may\b|decides\b)", "begin with the noun: a unit that"),
    _start(r"Whose (?!turn\b)", "begin with the noun"),
    _start(r"Of (?!course\b)", "begin with the subject"),
    _start(r"(Nor|Neither) ", "begin with the subject, and use not"),
    _start(
        r"(Not one|Not until|Only then|Never|Nowhere|Rarely)"
        r" (is|are|was|does|do|has|have|can|may|must)\b",
        "begin with the subject",
    ),
)
"""What is refused. A pattern with capital letters or without them matches the same."""


@dataclass(frozen=True)
class Text:
    """A piece of prose, and the line of its file on which it begins."""

    line: int
    words: str


_PYTHON = re.compile(
    r"(?P<doc>^[ \t]*(?P<quote>\"\"\"|''')(?P<words>.*?)(?P=quote))"
    r"|(?P<string>[a-zA-Z]{0,2}(?:\"\"\".*?\"\"\"|'''.*?'''"
    r"|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'))"
    r"|(?P<comment>#[^\n]*(?:\n[ \t]*#[^\n]*)*)",
    re.MULTILINE | re.DOTALL,
)
_COMMENTS = re.compile(r"^[ \t]*#[^\n]*(?:\n[ \t]*#[^\n]*)*|[ \t]##?[ \t][^\n]*", re.MULTILINE)
_YAML = re.compile(
    r"^(?P<indent> *)(?:- )?(?:description|summary): *"
    r"(?P<words>[^\n]*(?:\n(?:(?P=indent) [^\n]*)?(?=\n|\Z))*)",
    re.MULTILINE,
)
_TERRAFORM = re.compile(r"\b(?:description|error_message) *= *\"(?P<words>(?:\\.|[^\"\\])*)\"")
_HASH = re.compile(r"^[ \t]*#[!:]?|(?<=\s)##?(?=\s)", re.MULTILINE)
_BLOCKS = re.compile(
    r"^(?P<fence>```+|~~~+).*?^(?P=fence)[ \t]*$|(?:(?<=\n\n)|\A)(?:(?: {4}|\t)[^\n]*\n+)+",
    re.MULTILINE | re.DOTALL,
)
_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)|<!--.*?-->|\]\([^)\s]*\)|https?:\S+", re.DOTALL)


_COMPUTED = "x"
_SHEBANG = "#!/bin/sh"


def python(text: str) -> Iterator[Text]:
    """The docstrings and the comments of a module."""
    for match in _PYTHON.finditer(text):
        kind = "words" if match["doc"] else "comment"
        if match[kind] is not None:
            yield _text(text, match.start(kind), match[kind], hashes=kind == "comment")


def literals(text: str) -> Iterator[Text]:
    """The string literals of a module without its docstrings."""
    tree = ast.parse(text)
    # The parts of an f-string are literals, too, and a docstring is a statement of its own.
    skipped = {
        id(part)
        for node in ast.walk(tree)
        for part in (
            node.values
            if isinstance(node, ast.JoinedStr)
            else [node.value]
            if isinstance(node, ast.Expr)
            else []
        )
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield Text(node.lineno, node.value)
        elif isinstance(node, ast.JoinedStr):
            yield Text(node.lineno, "".join(map(_shown, node.values)))


def _shown(part: ast.expr) -> str:
    """A part of an f-string: a computed one stands for a noun."""
    return str(part.value) if isinstance(part, ast.Constant) else _COMPUTED


def tests(text: str) -> Iterator[Text]:
    """A module of tests: the name of each is a sentence."""
    yield from python(text)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and node.name.startswith(_TEST):
            words = node.name.removeprefix(_TEST).replace("_", " ")
            yield Text(node.lineno, words[:1].upper() + words[1:])


def charm(text: str) -> Iterator[Text]:
    """A module of the charm: what a developer reads, and what an operator reads."""
    yield from python(text)
    yield from literals(text)


def commented(text: str) -> Iterator[Text]:
    """The comments of a file in which `#` begins one."""
    for match in _COMMENTS.finditer(text):
        yield _text(text, match.start(), match[0], hashes=True)


def yaml(text: str) -> Iterator[Text]:
    """The comments of a YAML file, and its descriptions."""
    yield from commented(text)
    yield from (_text(text, match.start("words"), match["words"]) for match in _YAML.finditer(text))


def terraform(text: str) -> Iterator[Text]:
    """The comments of a Terraform file, and its descriptions."""
    yield from commented(text)
    for match in _TERRAFORM.finditer(text):
        yield _text(text, match.start("words"), match["words"])


def markdown(text: str) -> Iterator[Text]:
    """A page without its code."""
    yield _text(text, 0, _BLOCKS.sub(lambda match: "\n" * match[0].count("\n"), text))


def _text(whole: str, start: int, words: str, *, hashes: bool = False) -> Text:
    if hashes:
        words = _HASH.sub(lambda match: " " * len(match[0]), words)
    # Code stands for a noun: what it says is not prose. Lines stay where they are.
    words = _CODE.sub(lambda match: re.sub(r"[^\n]", "x", match[0]), words)
    return Text(line=whole.count("\n", 0, start) + 1, words=words)


READERS: Mapping[str, Callable[[str], Iterator[Text]]] = {
    ".conf": commented,
    ".j2": commented,
    ".md": markdown,
    ".py": python,
    ".sh": commented,
    ".tf": terraform,
    ".toml": commented,
    ".yaml": yaml,
    ".yml": yaml,
    "Makefile": commented,
}
"""How prose is found in a file, by its suffix or its name."""


def reader(path: Path, root: Path) -> Callable[[str], Iterator[Text]] | None:
    """How prose is found in this file. None if it has none, or is not text of the project."""
    if path.suffix == ".py" and path.relative_to(root).parts[0] == "src":
        return charm
    if path.suffix == ".py" and path.name.startswith(_TEST):
        return tests
    if path.suffix or path.name in READERS:
        return READERS.get(path.suffix or path.name)
    with path.open("rb") as file:
        return commented if file.readline().strip() == _SHEBANG.encode() else None


def findings(text: Text) -> Iterator[tuple[int, str, str]]:
    """What the rules refuse in a text: the line, the words, and what is better."""
    for rule in RULES:
        for match in rule.pattern.finditer(text.words):
            words = " ".join(match[0].split())
            at = match.end() - len(match[0].lstrip())
            yield text.line + text.words.count("\n", 0, at), words, rule.better


def files(root: Path) -> Iterator[Path]:
    """The files under `root` that may have prose, sorted. Only two hidden folders have any."""
    for path in sorted(root.iterdir()):
        if path.is_symlink():
            continue
        if path.is_dir():
            hidden = path.name.startswith(".") and path.name not in _HIDDEN
            if not hidden and path.name not in _SKIPPED:
                yield from files(path)
        elif path.is_file():
            yield path


def refused(root: Path) -> list[str]:
    """A line for each match in the files under `root`: `file:line: words: write what is better`."""
    lines: list[str] = []
    for path in files(root):
        read = reader(path, root)
        if read is None:
            continue
        hits = sorted(hit for text in read(path.read_text()) for hit in findings(text))
        name = path.relative_to(root)
        lines += [f"{name}:{line}: {words}: write {better}" for line, words, better in hits]
    return lines


def main(arguments: Sequence[str]) -> int:
    """Prints what is refused under a folder, by default the project's. The exit code."""
    lines = refused(Path(arguments[0]) if arguments else ROOT)
    print(*lines, sep="\n", end="\n" if lines else "")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
