# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every stable identifier in the code of the collection: of findings, waits and errors.

Found by reading the source. An identifier that is put together while the code runs is named in ``DYNAMIC`` with what
it can become; one that is not named there is reported, so that none is overlooked.
"""

from __future__ import annotations

import ast
import functools
import importlib
import pathlib
import re
import types
import typing as t

from tooling import paths

ENGINES = ("greptimedb", "pegasus", "starrocks")
_UTILS = "ansible_collections.dbops.migration.plugins.module_utils"
_WHOLE = re.compile(r"[a-z_]+(?:\.[a-z0-9_]+)+")
_BEGINNING = re.compile(r"[a-z_]+\.(?:[a-z0-9_]+\.)*[a-z0-9_]*")


@functools.cache
def sources() -> dict[str, ast.Module]:
    """The code that runs, by its path below plugins/: no option documentation."""
    folder = paths.ROOT / "plugins"
    files = sorted(path for path in folder.rglob("*.py") if path.parent.name != "doc_fragments")
    return {str(path.relative_to(folder)): ast.parse(path.read_text(encoding="utf-8")) for path in files}


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def _texts(node: ast.expr) -> set[str]:
    """The texts that an expression can be, as far as the source says; empty when it does not."""
    if isinstance(node, ast.Constant):
        return {node.value} if isinstance(node.value, str) else set()
    if isinstance(node, ast.IfExp):
        body, other = _texts(node.body), _texts(node.orelse)
        return body | other if body and other else set()
    return set()


@functools.cache
def _prefixes() -> frozenset[str]:
    """The first words of identifiers: engines, wrong input, hooks, plans, windows, and what other errors begin with."""
    found = {*ENGINES, "hook", "input", "option", "plan", "window"}
    for tree in sources().values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.args and _called(node) in ("MigrationError", "Problem"):
                found.update(text.split(".", 1)[0] for text in _texts(node.args[0]) if _WHOLE.fullmatch(text))
    return frozenset(found)


def _known(text: t.Any, pattern: re.Pattern[str]) -> bool:
    return isinstance(text, str) and pattern.fullmatch(text) is not None and text.split(".", 1)[0] in _prefixes()


@functools.cache
def constants() -> frozenset[str]:
    """Identifiers that stand in the source as they are."""
    texts = {
        node.value
        for tree in sources().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    # An underscore ends what is only the beginning of one.
    return frozenset(text for text in texts if _known(text, _WHOLE) and not text.endswith("_"))


@functools.cache
def composed() -> frozenset[tuple[str, str]]:
    """Expressions that make an identifier out of parts: the file, and the expression."""
    found = set()
    for path, tree in sources().items():
        for node in ast.walk(tree):
            first: t.Any = None
            if isinstance(node, ast.JoinedStr) and len(node.values) > 1 and isinstance(node.values[0], ast.Constant):
                first = node.values[0].value
                whole = all(
                    isinstance(part, ast.FormattedValue) or _dotted(part) for part in node.values[1:]
                )  # a sentence goes on with blanks
                first = first if whole else None
            elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and isinstance(node.left, ast.Constant):
                first = node.left.value
            if _known(first, _BEGINNING) and "." in first:
                found.add((path, ast.unparse(node)))
    return frozenset(found)


def _dotted(part: ast.expr) -> bool:
    return isinstance(part, ast.Constant) and re.fullmatch(r"[a-z0-9_.]*", str(part.value)) is not None


def _load(module: str) -> types.ModuleType:
    return importlib.import_module(f"{_UTILS}.{module}")


def _keys(module: str, name: str) -> list[str]:
    return sorted(getattr(_load(module), name))


def _arguments(path: str, function: str, count: int) -> set[str]:
    """The first arguments of all calls of a function in one file, joined by dots."""
    found = set()
    for node in ast.walk(sources()[path]):
        if isinstance(node, ast.Call) and _called(node) == function:
            texts = [_texts(argument) for argument in node.args[:count]]
            if all(texts):
                found.add(".".join(min(text) for text in texts))
    return found


def _traits_of_tables() -> set[str]:
    path = "module_utils/_starrocks/preflight_tables.py"
    found = _arguments(path, "_of_tables", 1)
    inventory = _load("_starrocks.inventory_tables")
    for node in ast.walk(sources()[path]):
        if isinstance(node, ast.Call) and _called(node) == "_with_trait" and isinstance(node.args[1], ast.Attribute):
            found.add(getattr(inventory, node.args[1].attr))
        if isinstance(node, ast.For) and isinstance(node.iter, ast.Tuple):
            for one in node.iter.elts:
                found |= _texts(one.elts[0]) if isinstance(one, ast.Tuple) else set()
    return found


def _bugs(engine: str, *names: str) -> list[str]:
    return [bug.id for name in names for bug in getattr(_load(f"_{engine}.known_bugs"), name)]


def _of(prefix: str, names: t.Iterable[str]) -> list[str]:
    return [prefix + name for name in names]


def _fatal() -> list[str]:
    errors = _load("_starrocks.tool_log_errors")
    return [kind for kind, severity in errors.SEVERITY.items() if severity == errors.FATAL]


_TLS = ("tls_not_offered", "tls_failed")
_GREPTIMEDB, _PEGASUS, _STARROCKS = (f"module_utils/_{engine}/" for engine in ENGINES)
DYNAMIC: t.Mapping[tuple[str, str], t.Callable[[], t.Iterable[str]]] = {
    ("module_utils/_core/hooks.py", "f'hook.{self.status}'"): lambda: _of("hook.", ("vetoed", "failed")),
    (_GREPTIMEDB + "errors.py", "f'greptimedb.{code}'"): lambda: _of(
        "greptimedb.", [*_keys("_greptimedb.errors", "_SENTENCES"), "ambiguous", "masked"]
    ),
    (_GREPTIMEDB + "errors.py", "f'greptimedb.{error.kind}'"): lambda: _of("greptimedb.", _TLS),
    (_GREPTIMEDB + "known_bugs.py", "'greptimedb.bug.' + name"): lambda: _bugs("greptimedb", "KNOWN_BUGS"),
    (_PEGASUS + "cutover_gate.py", "f'pegasus.{area}.{trap}'"): lambda: _of(
        "pegasus.", _arguments(_PEGASUS + "cutover_gate.py", "_blocker", 2)
    ),
    (_PEGASUS + "errors.py", "f'pegasus.{code}'"): lambda: _of("pegasus.", _keys("_pegasus.errors", "_SENTENCES")),
    (_PEGASUS + "known_bugs.py", "'pegasus.bug.' + name"): lambda: _bugs(
        "pegasus", "SOURCE_BUGS", "TARGET_BUGS", "TABLE_BUGS"
    ),
    (_STARROCKS + "comparison_findings.py", "f'starrocks.comparison.{verdict}'"): lambda: _of(
        "starrocks.comparison.", _keys("_starrocks.comparison_findings", "_REMEDIES")
    ),
    (_STARROCKS + "cutover_failures.py", "f'starrocks.{next(iter(counts))}'"): lambda: _of(
        "starrocks.", _keys("_starrocks.cutover_failures", "NEVER_EQUAL")
    ),
    (_STARROCKS + "cutover_gate.py", "f'starrocks.{name}'"): lambda: _of(
        "starrocks.", _arguments(_STARROCKS + "cutover_gate.py", "_blocker", 1)
    ),
    (_STARROCKS + "errors.py", "f'starrocks.{code}'"): lambda: _of(
        "starrocks.", _keys("_starrocks.errors", "_SENTENCES")
    ),
    (_STARROCKS + "errors.py", "f'starrocks.{error.kind}'"): lambda: _of("starrocks.", _TLS),
    (_STARROCKS + "known_bugs.py", "'starrocks.bug.' + name"): lambda: _bugs("starrocks", "BUGS"),
    (_STARROCKS + "preflight_objects.py", "f'starrocks.object.{one.kind.name}'"): lambda: _of(
        "starrocks.object.",
        [
            kind.name
            for kinds in (
                _load("_starrocks.inventory_objects").KINDS,
                _load("_starrocks.inventory_objects").INDEX_KINDS,
            )
            for kind in kinds
        ],
    ),
    (_STARROCKS + "preflight_tables.py", "f'starrocks.table.{name}'"): lambda: _of(
        "starrocks.table.", _traits_of_tables()
    ),
    (_STARROCKS + "preflight_tool.py", "f'starrocks.tool.{name}'"): lambda: _of(
        "starrocks.tool.", _keys("_starrocks.tool_properties", "DROPS")
    ),
    (_STARROCKS + "sync_wait_failures.py", "f'starrocks.sync_{look.verdict}'"): lambda: _of(
        "starrocks.sync_", ("failed", "stopped")
    ),
    (_STARROCKS + "tool_verdict.py", "f'starrocks.sync.{kind}'"): lambda: _of("starrocks.sync.", _fatal()),
    (_STARROCKS + "tool_verdict.py", "f'starrocks.sync.{TARGET_AHEAD}'"): lambda: ["starrocks.sync.target_ahead"],
}


@functools.cache
def everything() -> frozenset[str]:
    """Every identifier."""
    return constants().union(*(expand() for expand in DYNAMIC.values()))


def _same(one: ast.expr, other: ast.expr) -> bool:
    return ast.unparse(one) == ast.unparse(other)


def _pairs(name: ast.expr, severity: ast.expr) -> list[tuple[ast.expr, ast.expr]]:
    """A name and its severity; two of them where both depend on the same condition."""
    if isinstance(name, ast.IfExp) and isinstance(severity, ast.IfExp) and _same(name.test, severity.test):
        return [(name.body, severity.body), (name.orelse, severity.orelse)]
    return [(name, severity)]


@functools.cache
def findings() -> dict[str, set[str]]:
    """The identifiers of findings that stand in the source or in its data, each with its severities as far as told."""
    found: dict[str, set[str]] = {}
    for tree in sources().values():
        named = {
            target.id: _texts(node.value)
            for node in tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for call in ast.walk(tree):
            if not isinstance(call, ast.Call) or _called(call) != "Finding":
                continue
            given = {"id": call.args[0], "severity": call.args[1]} if len(call.args) > 1 else {}
            given.update({word.arg: word.value for word in call.keywords if word.arg})
            for name, severity in _pairs(given["id"], given["severity"]):
                for one in named.get(name.id, set()) if isinstance(name, ast.Name) else _texts(name):
                    found.setdefault(one, set()).update(_texts(severity) or {""})
    for engine, lists in (
        ("greptimedb", ("KNOWN_BUGS",)),
        ("pegasus", ("SOURCE_BUGS", "TARGET_BUGS", "TABLE_BUGS")),
        ("starrocks", ("BUGS",)),
    ):
        for name_of_list in lists:
            for bug in getattr(_load(f"_{engine}.known_bugs"), name_of_list):
                found.setdefault(bug.id, set()).add(bug.severity)
    return found


def explained(guide: pathlib.Path) -> list[tuple[str, set[str]]]:
    """The identifiers that a guide explains, in its order, each with the words behind its colon."""
    matches = re.findall(r"^``([a-z_0-9.]+)``(?: : (.*))?$", guide.read_text(encoding="utf-8"), re.MULTILINE)
    return [(name, {word for word in words.split(", ") if word}) for name, words in matches]
