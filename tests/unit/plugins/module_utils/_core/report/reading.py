# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading a page as a browser would, and what is never allowed in one."""

from __future__ import annotations

import re
import typing as t
from html.parser import HTMLParser

from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._core.report.fold import fold
from ansible_collections.dbops.migration.plugins.module_utils._core.report.records import Report, Verification, Words

WORDS = Words(engine="GreptimeDB", item="region", items="regions", place="datanode")

_VOID = {"meta"}
_OPEN_ENDED = {"tr", "td", "th"}
_TAGS = re.compile(
    "html|head|meta|title|style|script|body|a|header|main|footer|nav|section|h[123]|p|div|span|code|i|ul|li|dl|dt|dd"
    "|figure|figcaption|details|summary|table|caption|thead|tbody|tr|th|td|svg|desc|rect|path|text|circle"
)
_ATTRIBUTES = re.compile(
    "lang|charset|http-equiv|content|name|class|id|href|tabindex|role|scope|aria-label|aria-labelledby"
    "|viewbox|x|y|width|height|rx|d|cx|cy|r|text-anchor"
)


def report_of(entries: t.Sequence[Entry], extra: t.Optional[t.Mapping[str, t.Any]] = None, **checked: t.Any) -> Report:
    """The report of entries whose chain is taken as whole."""
    last = entries[-1].hash if entries else ""
    return fold(
        entries, Verification(**{"valid": True, "entries": len(entries), "last_hash": last, **checked}), WORDS, extra
    )


class Page(HTMLParser):
    """A page's text, ids and tables. Raises AssertionError for anything that the report itself never writes."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.ids: t.List[str] = []
        self.references: t.List[str] = []
        self.rows: t.Dict[str, t.List[t.List[str]]] = {}
        self.headings: t.List[str] = []
        self.tags: t.List[str] = []
        self._open: t.List[str] = []
        self._table = ""
        self._texts: t.List[str] = []
        self.feed(markup)
        self.close()
        assert not self._open, f"never closed: {self._open}"
        assert len(self.ids) == len(set(self.ids)), "ids are unique"
        assert set(self.references) <= set(self.ids), "every reference has its target"

    @property
    def text(self) -> str:
        """All text that a reader can see, white space folded."""
        return re.sub(r"\s+", " ", " ".join(self._texts))

    def handle_starttag(self, tag: str, attrs: t.List[t.Tuple[str, t.Optional[str]]]) -> None:
        assert _TAGS.fullmatch(tag), f"unexpected tag {tag}"
        self.tags.append(tag)
        for name, value in attrs:
            assert _ATTRIBUTES.fullmatch(name), f"unexpected attribute {name}"
            assert name != "href" or (value or "").startswith("#"), "links stay within the page"
            if name == "id":
                self.ids.append(value or "")
            elif name == "aria-labelledby":
                self.references.extend((value or "").split())
            elif name == "href":
                self.references.append((value or "")[1:])
        if tag == "table":
            self._table = dict(attrs)["id"] or ""
            self.rows[self._table] = []
        elif tag == "tr" and "tbody" in self._open:
            self.rows[self._table].append([])
        elif tag in ("td", "th") and self.rows.get(self._table):
            self.rows[self._table][-1].append("")
        elif tag == "h2":
            self.headings.append("")
        if tag in _OPEN_ENDED and tag == "tr":
            self._close_cells({"td", "th", "tr"})
        elif tag in _OPEN_ENDED:
            self._close_cells({"td", "th"})
        if tag not in _VOID:
            self._open.append(tag)

    def _close_cells(self, kinds: t.Set[str]) -> None:
        while self._open and self._open[-1] in kinds:
            self._open.pop()

    def handle_startendtag(self, tag: str, attrs: t.List[t.Tuple[str, t.Optional[str]]]) -> None:
        self.handle_starttag(tag, attrs)
        self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag in ("tbody", "thead"):
            self._close_cells(_OPEN_ENDED)
        assert self._open, f"</{tag}> closes nothing"
        assert self._open[-1] == tag, f"</{tag}> closes <{self._open[-1]}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        if not self._open or self._open[-1] in ("style", "script"):
            return
        self._texts.append(data)
        if self._open[-1] == "h2":
            self.headings[-1] += data
        if "tbody" in self._open and self.rows[self._table] and self.rows[self._table][-1]:
            self.rows[self._table][-1][-1] = (self.rows[self._table][-1][-1] + data).strip()
