# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The looks of the page, for screens (light and dark, wide and narrow) and paper, and its few lines of script."""

from __future__ import annotations

_LIGHT = """color-scheme:light;--page:#f6f7f8;--card:#fff;--ink:#1b1f24;--dim:#57606a;--line:#dfe3e8;--hair:#eceff2;
--link:#0b57b0;--moved:#3970b8;--onmoved:#fff;--refused:#d97a0b;--failed:#c4352b;--before:#b9c1ca;
--good:#12703f;--care:#8a5a00;--bad:#b3261e;--goodbg:#e7f5ec;--carebg:#fdf3dc;--badbg:#fdebe9;--plainbg:#eef1f4;"""
_DARK = """color-scheme:dark;--page:#111418;--card:#191d23;--ink:#e4e8ed;--dim:#9da7b3;--line:#323943;--hair:#262c34;
--link:#7db4f5;--moved:#5c96e0;--onmoved:#0c1118;--refused:#f0a040;--failed:#f3736a;--before:#59636f;
--good:#57c98d;--care:#e6b450;--bad:#ff8a80;--goodbg:#12291d;--carebg:#2e2612;--badbg:#361b1a;--plainbg:#232932;"""

_BASE = """
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-behavior:smooth}
body{margin:0;background:var(--page);color:var(--ink);line-height:1.5;font-size:15px;
font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Liberation Sans",Arial,sans-serif}
main,header,footer{max-width:1120px;margin:0 auto;padding:0 24px}
header{padding-top:36px}
h1{font-size:27px;line-height:1.2;margin:2px 0 4px;letter-spacing:-.01em;overflow-wrap:anywhere}
h2{font-size:18px;margin:0 0 10px;letter-spacing:-.005em}
h3{font-size:15px;margin:18px 0 6px}
p{margin:0 0 10px;overflow-wrap:anywhere}
a{color:var(--link)}
:focus-visible{outline:2px solid var(--link);outline-offset:2px;border-radius:3px}
.skip{position:absolute;left:-9999px}
.skip:focus{left:12px;top:8px;background:var(--card);padding:8px 12px;z-index:2}
.over,.sub,.dim,.note,figcaption,caption{color:var(--dim)}
.over{font-size:12.5px;letter-spacing:.06em;text-transform:uppercase;font-weight:600;margin:0}
.sub{font-size:14px;margin:0 0 16px}
.note{font-size:13.5px;margin:8px 0 0}
code,pre{font-family:ui-monospace,SFMono-Regular,"Cascadia Mono","Liberation Mono","DejaVu Sans Mono",Menlo,monospace;
font-size:.9em;overflow-wrap:anywhere}
section,.verdict{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:20px 22px;
margin:0 0 16px}
.verdict{display:grid;grid-template-columns:auto 1fr;gap:4px 14px;border-left:6px solid var(--dim)}
.verdict svg{width:30px;height:30px;margin-top:1px}
.verdict p{font-size:19px;line-height:1.35;font-weight:600;margin:0;overflow-wrap:anywhere}
.verdict div{grid-column:2;margin-top:8px}
.verdict h2{font-size:14px;margin:4px 0 2px}
.verdict ul{margin:0;padding-left:18px}
.verdict li{margin:3px 0;overflow-wrap:anywhere}
.good{--tone:var(--good);--tint:var(--goodbg)}.care{--tone:var(--care);--tint:var(--carebg)}
.bad{--tone:var(--bad);--tint:var(--badbg)}.plain{--tone:var(--dim);--tint:var(--plainbg)}
.verdict.good,.verdict.care,.verdict.bad,.verdict.plain{border-left-color:var(--tone)}
.verdict path{stroke:var(--card);stroke-width:2.6;fill:none;stroke-linecap:round;stroke-linejoin:round}
.verdict circle{fill:var(--tone)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(225px,1fr));gap:12px;margin:0 0 16px}
.tiles div{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:13px 16px}
.tiles dt{font-size:13px;color:var(--dim)}
.tiles dd{margin:0}
.tiles .value{font-size:23px;line-height:1.3;font-weight:600;font-variant-numeric:tabular-nums;letter-spacing:-.01em}
.tiles .value.good,.tiles .value.care,.tiles .value.bad{color:var(--tone)}
.tiles .why{font-size:13px;line-height:1.4;color:var(--dim);overflow-wrap:anywhere}
nav{margin:0 0 16px;font-size:14px}
nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:4px 18px;margin:0;padding:0 2px}
.facts{display:grid;grid-template-columns:max-content 1fr;gap:4px 18px;margin:0}
.facts dt{color:var(--dim)}.facts dd{margin:0;overflow-wrap:anywhere}
figure{margin:0 0 8px}
section>figure+figure,section>.scroll+figure{margin-top:22px}
figcaption{font-size:13.5px;margin-top:6px}
.scroll{overflow-x:auto}
.legend{list-style:none;margin:8px 0 0;padding:0;display:flex;flex-wrap:wrap;gap:4px 20px;font-size:13.5px}
.key{display:inline-block;width:14px;height:11px;border-radius:2px;margin-right:7px}
footer{font-size:13px;color:var(--dim);padding-bottom:40px}
"""

_TABLES = """
table{border-collapse:collapse;width:100%;font-size:13.5px;line-height:1.4}
caption{text-align:left;font-size:13.5px;padding:0 0 6px}
th,td{text-align:left;vertical-align:top;padding:6px 14px 6px 0;border-bottom:1px solid var(--hair);min-width:3.2em}
td,tbody th{unicode-bidi:isolate;overflow-wrap:break-word}
tbody th{font-weight:400}
thead th{font-weight:600;color:var(--dim);border-bottom:1px solid var(--line);vertical-align:bottom}
td code,tbody th code{overflow-wrap:break-word}
tbody tr:hover{background:var(--plainbg)}
thead button{font:inherit;color:inherit;background:none;border:0;padding:0;text-align:inherit;cursor:pointer}
thead button:hover{color:var(--ink);text-decoration:underline}
th[aria-sort=ascending] button::after{content:" \\2191"}
th[aria-sort=descending] button::after{content:" \\2193"}
.tag{display:inline-block;padding:0 8px;border-radius:9px;font-size:12.5px;font-weight:600;line-height:1.55;
white-space:nowrap;color:var(--tone);background:var(--tint)}
#bounds-table{width:auto}#bounds-table th,#bounds-table td{padding-right:28px}
td .dim{overflow-wrap:anywhere}
details summary{cursor:pointer;color:var(--link);margin:2px 0 10px;overflow-wrap:anywhere}
.scroll+details{margin-top:14px}
.filter{display:flex;align-items:center;gap:10px;margin:0 0 8px;font-size:13.5px}
.filter input{font:inherit;color:inherit;background:var(--page);border:1px solid var(--line);border-radius:6px;
padding:4px 9px;width:230px}
"""
_NUMBERED = "".join(
    f".n{n} tr>:nth-child({n}){{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}}"
    f".m{n} tbody tr>:nth-child({n}){{font-variant-numeric:tabular-nums}}"
    f".t{n} tr>:nth-child({n}){{white-space:nowrap}}.w{n} tr>:nth-child({n}){{min-width:11.5em}}"
    f".i{n} tbody tr>:nth-child({n}),.i{n} tbody tr>:nth-child({n}) code{{overflow-wrap:anywhere;min-width:9em}}"
    f".p{n} td:nth-child({n}){{white-space:pre-wrap;overflow-wrap:anywhere;min-width:20em}}"
    for n in range(1, 11)
)

_PICTURES = """
figure svg{display:block;width:100%;min-width:860px;height:auto}
svg text{font-size:12px;fill:var(--ink);font-family:inherit;font-variant-numeric:tabular-nums}
svg .tick{fill:var(--dim);font-size:11.5px}svg .lane{font-size:13px;font-weight:600}
svg .value{font-weight:600}svg .inbar{fill:var(--onmoved);font-size:10.5px}
svg .grid,svg .rule{stroke:var(--hair);stroke-width:1;fill:none}svg .rule{stroke:var(--line)}
svg .curve{stroke:var(--moved);stroke-width:2;fill:none}svg .area{fill:var(--moved);opacity:.16}
svg .goal{stroke:var(--dim);stroke-dasharray:4 4}svg .median{stroke:var(--ink);stroke-width:1.5}
svg .cross{stroke:var(--card);stroke-width:1.2}svg .mark{stroke:var(--failed);stroke-width:2;fill:none}
svg .pause{fill:var(--hair)}svg .tickmark{stroke:var(--ink);stroke-width:1.5;fill:none}
.moved{fill:var(--moved);background:var(--moved)}.refused{fill:var(--refused);background:var(--refused)}
.failed{fill:var(--failed);background:var(--failed)}.before{fill:var(--before);background:var(--before)}
svg .open{fill:var(--plainbg);stroke:var(--care);stroke-dasharray:3 2}
i.open{background:var(--plainbg);border:1px dashed var(--care)}i.median{background:var(--ink);width:2px}
"""
_SHADES = "".join(
    f".s{level}{{fill:var(--moved);background:var(--moved);opacity:{opacity}}}"
    f".r{level}{{fill:var(--refused);background:var(--refused);opacity:{opacity}}}"
    for level, opacity in enumerate((0.2, 0.38, 0.56, 0.76, 1), 1)
)

_NARROW = """
@media (max-width:640px){main,header,footer{padding-left:14px;padding-right:14px}header{padding-top:20px}
h1{font-size:22px}section,.verdict{padding:15px 14px}.verdict p{font-size:17px}
.tiles{grid-template-columns:1fr 1fr;gap:8px}.tiles div{padding:10px 12px}.tiles .value{font-size:19px}
.facts{grid-template-columns:1fr;gap:0}.facts dd{margin-bottom:6px}}
@media (max-width:380px){.tiles{grid-template-columns:1fr}}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
"""
_PRINT = """
@page{margin:14mm 13mm}
@media print{*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
body{background:none;font-size:10pt}main,header,footer{max-width:none;padding:0}header{padding:0}
nav,.skip,.filter{display:none}section,.verdict{border-radius:6px;padding:10pt 12pt;margin-bottom:9pt}
.tiles{grid-template-columns:repeat(4,1fr);gap:6pt}.tiles div{padding:6pt 8pt;border-radius:6px}
.tiles .value{font-size:13pt}.tiles dt,.tiles .why{font-size:8pt}
h1{font-size:17pt}h2{font-size:12pt;break-after:avoid}.verdict p{font-size:12.5pt}
table{font-size:7.8pt}th,td{padding:2.5pt 6pt 2.5pt 0;min-width:0!important}.tag{font-size:7.2pt;padding:0 5pt}
code{font-size:.92em}td,tbody th,th code,td code{overflow-wrap:anywhere}
.i1 tbody th,.i3 tbody td:nth-child(3){min-width:15em!important}thead{break-after:avoid}
.scroll{overflow:visible}figure svg{min-width:0}.tiles,.verdict,figure,tr,.facts{break-inside:avoid}
caption,figcaption,.legend,.note{font-size:8.5pt}.verdict,.tiles div,section{border-color:#ccc}
details:not([open]) summary::after{content:" \\2013 folded away; open it before printing to have it on paper"}}
"""

STYLE = (
    f":root{{{_LIGHT}}}@media screen and (prefers-color-scheme:dark){{:root{{{_DARK}}}}}"
    + (_BASE + _TABLES + _NUMBERED + _PICTURES + _SHADES + _NARROW + _PRINT)
).replace("\n", "")

# Sorting, filtering, and what is open on paper: without it, the page says the same. Paper holds every finding and
# setting, which a change ticket asks for; of the long tables of a plan or a proof, those that a reader has opened.
SCRIPT = r"""
(function(){"use strict";
var units={ms:.001,s:1,m:60,h:3600,d:86400,B:1,KiB:1024,MiB:1048576,GiB:1073741824,TiB:1099511627776};
function key(cell){var text=cell?cell.textContent.trim():"",sum=0,rest=text.replace(/,/g,"");
if(text==="\u2013")return -1;
if(/^-?\d+(\.\d+)?$/.test(rest))return +rest;
if(!/^(\d+(\.\d+)?\s*(ms|s|m|h|d|[KMGT]?i?B)\s*)+$/.test(rest))return text;
rest.replace(/(\d+(?:\.\d+)?)\s*([A-Za-z]+)/g,function(all,number,unit){sum+=number*(units[unit]||1);return all});
return sum}
var opened=[];
addEventListener("beforeprint",function(){
document.querySelectorAll("#findings details:not([open]),#settings details:not([open])").forEach(function(one){
one.open=true;opened.push(one)})});
addEventListener("afterprint",function(){opened.splice(0).forEach(function(one){one.open=false})});
function order(a,b){if(typeof a===typeof b)return a<b?-1:a>b?1:0;return typeof a==="number"?-1:1}
document.querySelectorAll("table").forEach(function(table){
var body=table.tBodies[0],rows=Array.prototype.slice.call(body.rows);if(rows.length<3)return;
Array.prototype.forEach.call(table.tHead.rows[0].cells,function(head,column){
var button=document.createElement("button");button.type="button";button.textContent=head.textContent;
head.textContent="";head.appendChild(button);
button.addEventListener("click",function(){
var down=head.getAttribute("aria-sort")==="ascending";
table.querySelectorAll("th[aria-sort]").forEach(function(other){other.removeAttribute("aria-sort")});
head.setAttribute("aria-sort",down?"descending":"ascending");
var keyed=rows.map(function(row,number){return [key(row.cells[column]),number,row]});
keyed.sort(function(a,b){return (down?-1:1)*order(a[0],b[0])||a[1]-b[1]});
keyed.forEach(function(one){body.appendChild(one[2])})})});
if(rows.length<13)return;
var box=document.createElement("div"),label=document.createElement("label"),input=document.createElement("input");
var told=document.createElement("span");box.className="filter";told.setAttribute("role","status");
input.type="search";input.id=table.id+"-filter";label.htmlFor=input.id;label.textContent="Filter";
box.appendChild(label);box.appendChild(input);box.appendChild(told);
table.parentNode.parentNode.insertBefore(box,table.parentNode);
input.addEventListener("input",function(){var wanted=input.value.toLowerCase(),left=0;
rows.forEach(function(row){var hit=row.textContent.toLowerCase().indexOf(wanted)>=0;row.hidden=!hit;left+=hit});
told.textContent=wanted?left+" of "+rows.length+" rows":""})})})();
"""
