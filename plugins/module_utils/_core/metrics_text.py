# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The text format that Prometheus reads, as node_exporter's textfile collector takes it: gauges, without timestamps.

Source: "Exposition formats" in the Prometheus documentation, version 0.0.4 of the text format.
"""

from __future__ import annotations

import dataclasses
import math
import typing as t

Labels = t.Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class Metric:
    """A gauge: its name, what it tells, and its samples (labels, value) in the order in which they are written.

    ``text`` must be the same in every file that one node_exporter reads, which refuses metrics with two of them.
    """

    name: str
    text: str
    samples: t.Sequence[t.Tuple[Labels, float]]


def exposition(metrics: t.Iterable[Metric]) -> str:
    """The metrics as text. One without samples is left out: what is not known has no value."""
    lines: t.List[str] = []
    for metric in metrics:
        if not metric.samples:
            continue
        lines.append(f"# HELP {metric.name} {_escaped(metric.text)}")
        lines.append(f"# TYPE {metric.name} gauge")
        lines += [f"{metric.name}{_labels(labels)} {_number(value)}" for labels, value in metric.samples]
    return "".join(f"{line}\n" for line in lines)


def _labels(labels: Labels) -> str:
    shown = ",".join(f'{name}="{_quoted(value)}"' for name, value in labels.items())
    return f"{{{shown}}}" if shown else ""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _quoted(text: str) -> str:
    # A lone surrogate cannot be written as UTF-8, which the format demands.
    clean = text.encode("utf-8", "replace").decode("utf-8")
    return _escaped(clean).replace('"', '\\"')


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) else repr(round(value, 3))
