# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Inline SVG with a title and a description. Colours come from the page's classes, so that they follow its theme."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.report.words import esc

WIDTH = 1000.0
GUTTER = 150.0
RIGHT = 14.0


def num(value: float) -> str:
    """A coordinate with one decimal, as short as it can be written."""
    text = f"{value:.1f}"
    return text[:-2] if text.endswith(".0") else text


class Svg:
    """A picture of fixed width that is built from top to bottom."""

    def __init__(self, ident: str, title: str, description: str, height: float, width: float = WIDTH) -> None:
        self._head = (
            f'<svg viewBox="0 0 {num(width)} {num(height)}" role="img" aria-labelledby="{ident}-t {ident}-d">'
            f'<title id="{ident}-t">{esc(title)}</title><desc id="{ident}-d">{esc(description)}</desc>'
        )
        self._parts: t.List[str] = []

    def rect(self, x: float, y: float, width: float, height: float, css: str, tip: str = "", round_: float = 0) -> None:
        """A rectangle; ``tip`` is shown under the pointer."""
        corner = f' rx="{num(round_)}"' if round_ else ""
        body = f"><title>{esc(tip)}</title></rect>" if tip else "/>"
        self._parts.append(
            f'<rect x="{num(x)}" y="{num(y)}" width="{num(width)}" height="{num(height)}"{corner} class="{css}"{body}'
        )

    def line(self, x1: float, y1: float, x2: float, y2: float, css: str) -> None:
        """A straight line."""
        self._parts.append(f'<path d="M{num(x1)} {num(y1)}L{num(x2)} {num(y2)}" class="{css}"/>')

    def path(self, data: str, css: str) -> None:
        """A path; ``data`` must not come from outside."""
        if data:
            self._parts.append(f'<path d="{data}" class="{css}"/>')

    def text(self, x: float, y: float, content: str, css: str = "", anchor: str = "start") -> None:
        """One line of text; ``anchor`` start, middle or end."""
        where = "" if anchor == "start" else f' text-anchor="{anchor}"'
        kind = f' class="{css}"' if css else ""
        self._parts.append(f'<text x="{num(x)}" y="{num(y)}"{where}{kind}>{esc(content)}</text>')

    def __str__(self) -> str:
        return self._head + "".join(self._parts) + "</svg>"


def fit(text: str, room: int) -> str:
    """``text`` in at most ``room`` characters, cut in the middle where it is longer."""
    if len(text) <= room:
        return text
    half = (room - 1) // 2
    return text[:half] + "…" + text[-(room - 1 - half) :]


def figure(svg: Svg, caption: str, legend: t.Sequence[t.Tuple[str, str]] = (), label: str = "") -> str:
    """The picture with its legend ((css class, words)) and caption; on narrow screens it scrolls sideways."""
    keys = "".join(f'<li><i class="key {css}"></i>{esc(words)}</li>' for css, words in legend)
    return (
        f'<figure><div class="scroll" role="region" tabindex="0" aria-label="{esc(label or caption)}">{svg}</div>'
        + (f'<ul class="legend">{keys}</ul>' if keys else "")
        + f"<figcaption>{esc(caption)}</figcaption></figure>"
    )
