"""The query language over the graph of targets.

    expression = term { ("union" | "+" | "intersect" | "^" | "except" | "-") term }
    term       = "(" expression ")" | function "(" arguments ")" | label | pattern

    deps(x [, depth])         x and what it depends on, at most depth steps away
    rdeps(universe, x [, d])  targets of universe's dependencies that depend on x
    somepath(from, to)        one shortest path        allpaths(from, to)   all targets on any path
    kind(regex, x)            those whose rule matches  filter(regex, x)     whose label matches
    attr(name, regex, x)      those whose attribute, as text, matches
    set(a b c)                the union of labels and patterns

Operators have one precedence and group to the left; parentheses decide otherwise. Patterns in a
query take in targets tagged ``manual``. Words may be quoted.

Rules of use: parsing is here; what the functions mean is in ``query_graph``.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from unibuild.analysis.query_graph import QueryGraph, Result
from unibuild.model.errors import Place, UserError
from unibuild.model.suggestions import did_you_mean

if TYPE_CHECKING:
    from unibuild.loading.workspace import Workspace

_TOKEN = re.compile(r"""\s*(?:(?P<mark>[(),+^])|(?P<minus>-)(?=[\s(]|$)|"(?P<double>[^"]*)"|"""
                    r"""'(?P<single>[^']*)'|(?P<word>[^\s(),"'+^]+))""")  # fmt: skip
_OPERATORS = {"union": "+", "intersect": "^", "except": "-", "+": "+", "^": "^", "-": "-"}
_SOURCE = "<query>"
_MOST_NESTING = 200


@dataclass(frozen=True, slots=True)
class _Token:
    """One token; ``quoted`` words are never operators or marks."""

    text: str
    start: int
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the language: the kinds of its arguments, in order, and how many must be there.

    The kinds are ``set`` (an expression), ``text`` (a word or a regular expression) and ``number``.
    """

    arguments: tuple[str, ...]
    required: int


FUNCTIONS = {
    "deps": Function(("set", "number"), 1),
    "rdeps": Function(("set", "set", "number"), 2),
    "somepath": Function(("set", "set"), 2),
    "allpaths": Function(("set", "set"), 2),
    "kind": Function(("text", "set"), 2),
    "filter": Function(("text", "set"), 2),
    "attr": Function(("text", "text", "set"), 3),
}


def query(workspace: Workspace, expression: str, package: str = "") -> Result:
    """Return what ``expression``, as typed in ``package``, stands for.

    Raises ``UserError`` ``bad-query`` with the column, or what loading the targets raises.
    """
    graph = QueryGraph(workspace, package)
    found = _Parser(expression, graph).whole()
    return graph.result(found)


def render(result: Result, output: str) -> str:
    """Return ``result`` as text: ``label`` (one a line), ``json`` or ``dot``."""
    if output == "json":
        return json.dumps({"targets": [row._asdict() for row in result.rows]})
    if output == "dot":
        lines = ["digraph targets {", "  node [shape=box];"]
        lines += [f"  {json.dumps(row.label)};" for row in result.rows]
        lines += [f"  {json.dumps(a)} -> {json.dumps(b)};" for a, b in result.edges]
        return "\n".join([*lines, "}"])
    return "\n".join(row.label for row in result.rows)


class _Parser:
    """Recursive descent over the tokens of one expression, evaluating as it goes."""

    def __init__(self, expression: str, graph: QueryGraph) -> None:
        self._text = expression
        self._graph = graph
        self._tokens = self._read()
        self._index = 0
        self._depth = 0

    def whole(self) -> frozenset[str]:
        """Return the value of the whole expression."""
        if not self._tokens:
            raise self._error("the query is empty", 0, "try `deps(//...)`")
        value = self._expression()
        token = self._peek()
        if token is not None:
            raise self._error(f"`{token.text}` is not expected here", token.start)
        return value

    def _read(self) -> list[_Token]:
        """Return the tokens of the text."""
        tokens: list[_Token] = []
        position = 0
        end = len(self._text.rstrip())
        while position < end:
            match = _TOKEN.match(self._text, position)
            if match is None:
                raise self._error("a quote is not closed", position)
            kind = match.lastgroup or "word"
            tokens.append(_Token(match[kind], match.start(kind), kind in {"single", "double"}))
            position = match.end()
        return tokens

    def _peek(self) -> _Token | None:
        return self._tokens[self._index] if self._index < len(self._tokens) else None

    def _next(self, wanted: str) -> _Token:
        """Return the next token; at the end of the text say what is ``wanted``."""
        token = self._peek()
        if token is None:
            raise self._error(f"the query ends where {wanted} is needed", len(self._text))
        self._index += 1
        return token

    def _expression(self) -> frozenset[str]:
        self._depth += 1
        if self._depth > _MOST_NESTING:
            raise self._error("the query is nested too deeply", 0)
        value = self._term()
        while (token := self._peek()) is not None and not token.quoted:
            operator = _OPERATORS.get(token.text)
            if operator is None:
                break
            self._index += 1
            other = self._term()
            if operator == "+":
                value |= other
            elif operator == "^":
                value &= other
            else:
                value -= other
        self._depth -= 1
        return value

    def _term(self) -> frozenset[str]:
        token = self._next("a label or a function")
        if token.text == "(" and not token.quoted:
            value = self._expression()
            self._close()
            return value
        following = self._peek()
        if following is not None and following.text == "(" and not token.quoted:
            return self._call(token)
        if not token.quoted and (token.text in _OPERATORS or token.text in ",)"):
            raise self._error(f"`{token.text}` stands where a label is needed", token.start)
        return self._pattern(token)

    def _call(self, name: _Token) -> frozenset[str]:
        """Evaluate one function call; its name has been read."""
        self._index += 1
        if name.text == "set":
            return self._set()
        function = FUNCTIONS.get(name.text)
        if function is None:
            hint = did_you_mean(name.text, [*FUNCTIONS, "set"])
            known = ", ".join([*FUNCTIONS, "set"])
            raise self._error(
                f"there is no function `{name.text}`", name.start, hint or f"there are {known}"
            )
        values: list[object] = []
        for index, kind in enumerate(function.arguments):
            if index:
                token = self._peek()
                if token is not None and token.text == ")" and index >= function.required:
                    break
                self._comma(name.text, function)
            values.append(self._argument(kind))
        self._close()
        return self._graph.call(name.text, values)

    def _argument(self, kind: str) -> object:
        """Return one argument of a call."""
        if kind == "set":
            return self._expression()
        token = self._next("an argument")
        if kind == "number":
            if not (token.text.isascii() and token.text.isdigit()) or len(token.text) > 6:  # noqa: PLR2004
                raise self._error(f"`{token.text}` is not a number of steps", token.start)
            return int(token.text)
        if not token.quoted and token.text in "(),":
            raise self._error("a word or a regular expression is needed here", token.start)
        text = token.text if token.quoted else self._bare_text(token)
        try:
            return re.compile(text)
        except (re.error, OverflowError, RecursionError) as fault:
            raise self._error(
                f"`{text}` is not a regular expression: {fault}", token.start, "quote it with `'…'`"
            ) from None

    def _bare_text(self, first: _Token) -> str:
        """Return an unquoted regular expression: everything up to the comma that ends the argument."""
        depth = 0
        end = first.start
        self._index -= 1
        while (token := self._peek()) is not None:
            if token.text == "(" and not token.quoted:
                depth += 1
            elif token.text == ")" and not token.quoted:
                depth -= 1
            if depth < 0 or (depth == 0 and token.text == "," and not token.quoted):
                break
            end = token.start + len(token.text)
            self._index += 1
        return self._text[first.start : end]

    def _set(self) -> frozenset[str]:
        """Evaluate ``set(a b c)``; the opening parenthesis has been read."""
        found: frozenset[str] = frozenset()
        while True:
            token = self._next("`)`")
            if token.text == ")" and not token.quoted:
                return found
            found |= self._pattern(token)

    def _pattern(self, token: _Token) -> frozenset[str]:
        """Return the targets of a label or pattern; errors get their place in the query."""
        try:
            return self._graph.pattern(token.text)
        except UserError as error:
            if error.place is None:
                error.place = self._place(token.start, len(token.text))
            raise

    def _comma(self, name: str, function: Function) -> None:
        token = self._next("`,`")
        if token.text != ",":
            count = len(function.arguments)
            needs = f"{function.required}" + (f" or {count}" if count > function.required else "")
            raise self._error(
                f"`{token.text}` stands where `,` is needed: `{name}` takes {needs} arguments",
                token.start,
            )

    def _close(self) -> None:
        token = self._next("`)`")
        if token.text != ")":
            raise self._error(f"`{token.text}` stands where `)` is needed", token.start)

    def _place(self, start: int, length: int = 1) -> Place:
        first = self._text.rfind("\n", 0, start) + 1
        last = self._text.find("\n", start)
        line = self._text[first : last if last >= 0 else len(self._text)]
        number = self._text.count("\n", 0, first) + 1
        return Place(_SOURCE, number, start - first + 1, line, max(length, 1))

    def _error(self, cause: str, start: int, hint: str = "") -> UserError:
        return UserError("bad-query", cause, self._place(start), hint)
