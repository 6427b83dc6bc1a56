# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report in a real browser: no console error, nothing that overlaps or spills over, readable in light and dark."""

from __future__ import annotations

import html
import json
import pathlib
import re
import shutil
import subprocess
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.report.page import page
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.report import journals
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.report.reading import report_of
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._journals import journals as recorded
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._journals import large
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._journals.test_reports import of_lines

BROWSERS = ("chromium", "chromium-headless-shell", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, BROWSERS)), None)

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no browser: install Debian's package chromium-headless-shell to look at the report in one"
)

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--enable-logging=stderr",
)
DARK = "--blink-settings=preferredColorScheme=0"
LIGHT = "--blink-settings=preferredColorScheme=1"

# Looks at the page from inside, and leaves what it saw in the DOM.
PROBE = r"""
function rgb(text){var m=text.match(/[\d.]+/g).map(Number);return m.length<4?m.concat(1):m}
function luminance(c){return [0.2126,0.7152,0.0722].reduce(function(sum,w,i){var v=c[i]/255;
return sum+w*(v<=0.03928?v/12.92:Math.pow((v+0.055)/1.055,2.4))},0)}
function contrast(a,b){var x=luminance(a),y=luminance(b);return (Math.max(x,y)+0.05)/(Math.min(x,y)+0.05)}
function ground(node){for(;node&&node.nodeType===1;node=node.parentNode){
var c=rgb(getComputedStyle(node).backgroundColor);if(c[3]>0.99)return c}return [255,255,255,1]}
function probe(){var seen={width:innerWidth,dark:matchMedia('(prefers-color-scheme:dark)').matches,
spill:document.scrollingElement.scrollWidth,overlaps:[],pale:[],outside:[],unreachable:[]};
document.querySelectorAll("details").forEach(function(one){one.open=true});
document.querySelectorAll("figure svg").forEach(function(svg){
var frame=svg.getBoundingClientRect(),boxes=[];
svg.querySelectorAll("text").forEach(function(text){var b=text.getBoundingClientRect();
if(b.left<frame.left-1||b.right>frame.right+1||b.top<frame.top-1||b.bottom>frame.bottom+1)
seen.outside.push(text.textContent);
boxes.forEach(function(o){if(b.left<o[0].right-1&&o[0].left<b.right-1&&b.top<o[0].bottom-3&&o[0].top<b.bottom-3)
seen.overlaps.push(o[1]+" | "+text.textContent)});boxes.push([b,text.textContent])})});
document.querySelectorAll("body *").forEach(function(node){
if(!node.getClientRects().length||/^(script|style|svg|title|desc)$/i.test(node.tagName))return;
if(!Array.prototype.some.call(node.childNodes,function(c){return c.nodeType===3&&c.data.trim()}))return;
var style=getComputedStyle(node),svg=node.ownerSVGElement,front=rgb(svg?style.fill:style.color);
var back=node.classList.contains("inbar")?rgb(getComputedStyle(svg.querySelector(".moved")).fill):ground(node);
if(contrast(front,back)<4.5)
seen.pale.push(node.tagName+"."+node.getAttribute("class")+": "+node.textContent.slice(0,40))});
document.querySelectorAll("a,button,input,summary,[tabindex]").forEach(function(node){
var name=node.getAttribute("aria-label")||node.textContent.trim()||(node.labels&&node.labels.length?"label":"");
node.focus();
if(document.activeElement!==node||node.tabIndex!==0||!name)seen.unreachable.push(node.outerHTML.slice(0,80))});
var table=document.getElementById("outcome-table");
if(table){var heads=table.querySelectorAll("thead button");seen.buttons=heads.length;
heads[6].click();heads[6].click();
seen.sorted=Array.prototype.map.call(table.tBodies[0].rows,function(r){return r.cells[6].textContent}).slice(0,5);
seen.aria=heads[6].parentNode.getAttribute("aria-sort");
var input=document.getElementById("outcome-table-filter");
if(input){input.value="sensor_READINGS";input.dispatchEvent(new Event("input"));
seen.left=Array.prototype.filter.call(table.tBodies[0].rows,function(r){return !r.hidden}).length;
seen.status=input.parentNode.querySelector("[role=status]").textContent}}
return seen}
document.body.insertAdjacentHTML("beforeend","<pre id=probe></pre>");
document.getElementById("probe").textContent=JSON.stringify(probe());
"""

CASES: t.Dict[str, t.Callable[[], str]] = {
    "small": lambda: page(report_of(journals.small(), {"acknowledged_writes_lost": 0, "writers": 4})),
    "failed": lambda: page(report_of(journals.failed())),
    "resumed": lambda: page(report_of(journals.interrupted(resumed=True))),
    "rolled_back": lambda: page(report_of(journals.rolled_back())),
    "many": lambda: page(report_of(journals.many(700))),
    "damaged": lambda: page(report_of(journals.failed(), valid=False, problem="line 7 was changed or damaged")),
    "empty": lambda: page(report_of([])),
    # What whole runs have left, and what is left of them when something goes wrong.
    "greptimedb": lambda: page(recorded.report(recorded.Altered("greptimedb"))),
    "pegasus": lambda: page(recorded.report(recorded.Altered("pegasus"))),
    "starrocks": lambda: page(recorded.report(recorded.Altered("starrocks"))),
    "handed_over": lambda: page(recorded.report(_until("starrocks", "cutover.committed"))),
    "interfered": lambda: page(recorded.report(_interfered())),
    "tables": lambda: page(of_lines("pegasus", large.pegasus(300))),
    "hostile": lambda: page(recorded.report(_hostile())),
}


def _until(engine: str, kind: str) -> recorded.Altered:
    """A journal that ends right before an entry."""
    altered = recorded.Altered(engine)
    altered.records = altered.records[: altered.last(kind)]
    return altered


def _interfered() -> recorded.Altered:
    """A table that was switched too early, while people stepped in and somebody else changed a setting."""
    altered = recorded.Altered("pegasus")
    altered.data("proof", kind="drain")["items"][3]["confirmed"] = 1
    altered.data("restore").update(action="keep_theirs", now="freezed", reason="somebody else has changed it")
    place = altered.last("proof", kind="fence")
    at = altered.records[place][0]
    hook = {"edge": "before_cutover", "file": "/etc/migration/hooks/tell.yml", "status": "vetoed", "reason": "not now"}
    altered.records[place:place] = [
        (at, "control", {"kind": "pause", "wish": "pause", "effect": "taken", "detail": "nothing new is begun"}),
        (at, "hook", hook),
        (at, "notification", {"event": "cutover_begins", "status": "delivered", "to": "https://hooks.example.com/***"}),
    ]
    return altered


HOSTILE = "n" * 300 + "<script>document.title='taken'</script>" + "\u202e\u0627\u0633\u0645" + "&amp;" + "_" * 200


def _hostile() -> recorded.Altered:
    """Names without a blank, of any length, in any direction, and with markup in them."""
    altered = _interfered()
    finding = {"id": "x.y", "severity": "warning", "subject": HOSTILE, "evidence": HOSTILE, "remedy": HOSTILE}
    wish = {"kind": "run", "wish": f"abort {HOSTILE}", "effect": "taken", "detail": HOSTILE}
    failed = {"kind": "of " + HOSTILE, "passed": False, "items": [{"subject": HOSTILE}, {"subject": HOSTILE + "2"}]}
    at = altered.records[-1][0]
    altered.records += [
        (at, "findings", {"phase": "preflight", "findings": [finding] * 100, "passed": True}),
        (at, "control", wish),
        (at, "note", {"text": HOSTILE}),
        (at, "wait", {"reason": f"x.wait.{HOSTILE}", "waiting_for": HOSTILE, "ends_when": HOSTILE, "worst": [HOSTILE]}),
        (at, "proof", failed),
    ]
    altered.records = [(at, kind, _renamed(data)) for at, kind, data in altered.records]
    return altered


def _renamed(value: t.Any) -> t.Any:
    """With the table of the recorded run under a name that nobody would choose."""
    if isinstance(value, dict):
        return {_renamed(key): _renamed(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_renamed(one) for one in value]
    return re.sub(r"\btemp\b", lambda _match: HOSTILE, value) if isinstance(value, str) else value


class Seen(t.NamedTuple):
    """What came out: the DOM after scripts ran, and what the console said."""

    dom: str
    console: t.List[str]


@pytest.fixture
def browse(tmp_path: pathlib.Path) -> t.Callable[..., Seen]:
    """Open markup in a browser of its own."""

    def call(markup: str, *flags: str, width: int = 1280) -> Seen:
        source = tmp_path / "page.html"
        source.write_text(markup, "utf-8")
        profile = tmp_path / "profile"
        shutil.rmtree(profile, ignore_errors=True)
        command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={profile}", f"--window-size={width},1200", *flags]
        done = subprocess.run([*command, source.as_uri()], capture_output=True, text=True, timeout=120, check=True)
        return Seen(done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line])

    return call


def probed(markup: str) -> str:
    """The page with the probe in it, which its own policy would not let run."""
    without = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", markup)
    return without.replace("</body>", f"<script>{PROBE}</script></body>")


def told(dom: str) -> t.Dict[str, t.Any]:
    match = re.search(r'<pre id="probe">(.*?)</pre>', dom, re.DOTALL)
    assert match, "the probe did not run to its end"
    result: t.Dict[str, t.Any] = json.loads(html.unescape(match.group(1)))
    return result


@pytest.mark.parametrize(
    ("case", "look", "width"),
    [
        ("small", LIGHT, 1280),
        ("small", DARK, 500),
        ("failed", DARK, 1280),
        ("damaged", LIGHT, 500),
        ("resumed", LIGHT, 820),
        ("rolled_back", DARK, 1280),
        ("many", LIGHT, 1280),
        ("many", DARK, 500),
        ("empty", DARK, 500),
        ("greptimedb", DARK, 1280),
        ("pegasus", LIGHT, 1280),
        ("pegasus", DARK, 500),
        ("starrocks", DARK, 1280),
        ("starrocks", LIGHT, 500),
        ("handed_over", DARK, 1280),
        ("interfered", LIGHT, 820),
        ("interfered", DARK, 1280),
        ("tables", LIGHT, 1280),
        ("hostile", LIGHT, 1280),
        ("hostile", DARK, 500),
    ],
)
def test_nothing_overlaps_spills_or_pales(case: str, look: str, width: int, browse: t.Callable[..., Seen]) -> None:
    seen = browse(probed(CASES[case]()), "--dump-dom", look, width=width)
    assert seen.console == []
    result = told(seen.dom)
    assert (result["width"], result["dark"]) == (width, look == DARK)
    assert result["spill"] <= width
    assert (result["overlaps"], result["outside"], result["pale"]) == ([], [], [])
    # Everything that a pointer can use, a keyboard reaches, and it has a name to be read out.
    assert result["unreachable"] == []


def test_the_page_as_it_is_has_no_console_error(browse: t.Callable[..., Seen], tmp_path: pathlib.Path) -> None:
    picture = tmp_path / "page.png"
    seen = browse(CASES["small"](), f"--screenshot={picture}")
    assert seen.console == []
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 50_000, "a blank page is much smaller"


def test_tables_sort_and_filter(browse: t.Callable[..., Seen]) -> None:
    result = told(browse(probed(CASES["small"]()), "--dump-dom").dom)
    assert result["buttons"] == 10
    assert result["aria"] == "descending"
    lengths = [float(text.rstrip("s")) for text in result["sorted"]]
    assert lengths == sorted(lengths, reverse=True)
    assert (result["left"], result["status"]) == (3, "3 of 60 rows")


def test_without_script_the_page_is_complete(browse: t.Callable[..., Seen]) -> None:
    markup = re.sub(r"script-src '[^']*'", "script-src 'none'", CASES["small"]())
    dom = browse(markup, "--dump-dom").dom
    assert dom.count('<th scope="row">4') >= 60
    assert "<button" not in dom
    assert "<input" not in dom


def test_a_script_that_got_in_does_not_run(browse: t.Callable[..., Seen]) -> None:
    """The second wall: the page's policy lets nothing run but its own script."""
    attack = (
        "<script>document.title='taken'</script><p onclick=1 id=hit></p><img src=x onerror=\"document.title='taken'\">"
    )
    seen = browse(CASES["empty"]().replace("</main>", attack + "</main>"), "--dump-dom")
    assert "<title>taken" not in seen.dom
    assert any("Content Security Policy" in line for line in seen.console)


@pytest.mark.parametrize("case", ["small", "pegasus", "starrocks"])
def test_it_prints(case: str, browse: t.Callable[..., Seen], tmp_path: pathlib.Path) -> None:
    paper = tmp_path / "page.pdf"
    browse(CASES[case](), "--no-pdf-header-footer", f"--print-to-pdf={paper}", DARK)
    content = paper.read_bytes()
    assert content.startswith(b"%PDF")
    assert 3 <= len(re.findall(rb"/Type\s*/Page\b", content)) <= 12


def test_paper_holds_every_setting_and_finding(browse: t.Callable[..., Seen], tmp_path: pathlib.Path) -> None:
    """Long tables are folded away on a screen. Nobody can open one on paper."""
    found = [
        {"id": f"pegasus.table.note_{number}", "severity": "info", "subject": f"table {number}", "evidence": "seen"}
        for number in range(100)
    ]
    lines = large.pegasus(100)
    lines.append(large.Line(lines[-1].at, "findings", {"phase": "preflight", "findings": found, "passed": True}))
    markup = page(of_lines("pegasus", lines))
    # What was open when the browser began to print, and after that.
    watch = (
        "var seen=[];function open_(){return ['findings','settings','switch-part'].map(function(id){"
        "return document.querySelectorAll('#'+id+' details[open]').length})}"
        "addEventListener('beforeprint',function(){seen.push(open_())});"
        "addEventListener('afterprint',function(){seen.push(open_())});"
        "seen.push(open_());dispatchEvent(new Event('beforeprint'));dispatchEvent(new Event('afterprint'));"
        'document.body.insertAdjacentHTML("beforeend","<pre id=probe>"+JSON.stringify({seen:seen})+"</pre>");'
    )
    without = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", markup)
    dom = browse(without.replace("</body>", f"<script>{watch}</script></body>"), "--dump-dom").dom
    assert told(dom)["seen"] == [[0, 0, 0], [1, 1, 0], [0, 0, 0]]

    def pages(text: str) -> int:
        paper = tmp_path / "page.pdf"
        browse(text, "--no-pdf-header-footer", f"--print-to-pdf={paper}")
        return len(re.findall(rb"/Type\s*/Page\b", paper.read_bytes()))

    folded = re.sub(r"script-src '[^']*'", "script-src 'none'", markup)
    assert pages(markup) >= pages(folded) + 2
