# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Tables that stay within a budget of characters: what no longer fits is counted, and stands in the journal."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.report.words import counted, esc

# Shown open: a reader scrolls over so many rows; more are folded away.
_OPEN_ROWS = 80


class Column(t.NamedTuple):
    """A column's heading and its kind.

    "" text, ``n`` numbers, ``m`` numbers that are names, ``t`` never wrapped, ``w`` sentences, ``p`` text with its line
    breaks, ``i`` long names that may be broken anywhere.
    """

    title: str
    kind: str = ""


def table(
    ident: str,
    caption: str,
    columns: t.Sequence[Column],
    rows: t.Iterable[t.Sequence[str]],
    *,
    budget: int = 200_000,
    fold: str = "",
) -> str:
    """Return a table; each row's cells are HTML already. The first column names the row.

    ``fold`` is what a long table is called where it is folded away.
    """
    kinds = " ".join(f"{column.kind}{number}" for number, column in enumerate(columns, 1) if column.kind)
    parts: t.List[str] = []
    used = shown = left = 0
    for row in rows:
        # End tags of rows and cells may be left out in HTML, which saves a third of a long table.
        line = "<tr><th scope=row>" + "<td>".join(row) + "\n"
        if left or (shown and used + len(line.encode("utf-8")) > budget):
            left += 1
            continue
        used += len(line.encode("utf-8"))
        shown += 1
        parts.append(line)
    if not parts:
        return ""
    head = "".join(f'<th scope="col">{esc(column.title)}</th>' for column in columns)
    markup = (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{esc(caption)}">'
        f'<table id="{ident}" class="{kinds}">'
        f"<caption>{esc(caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>\n{''.join(parts)}</tbody></table></div>"
    )
    if left:
        markup += f'<p class="note">{counted(left, "more row is", "more rows are")} only in the journal.</p>'
    if fold and shown > _OPEN_ROWS:
        markup = f"<details><summary>{esc(fold)} ({counted(shown, 'row')})</summary>{markup}</details>"
    return markup


def code(text: t.Any) -> str:
    """``text`` as code; nothing when it is empty."""
    return f"<code>{esc(text)}</code>" if text != "" else ""


def some(names: t.Sequence[str], most: int = 5) -> str:
    """The first names as code, and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(code(name) for name in names[:most]) + more


def tag(kind: str, text: str) -> str:
    """A word with a mark in the colour of its kind (good, care, bad, plain)."""
    return f'<span class="tag {kind}">{esc(text)}</span>'
