# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import dataclasses
import html
import json
import shlex
import typing as t
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import MASK, Redactor

CANARY = "k4n%ry-'Ä\"/+ &<x>:@"

SECRETS = st.text(st.characters(codec="utf-8"), min_size=8, max_size=24).filter(
    lambda text: len(set(text)) > 3 and "*" not in text
)
ENCODERS: t.Dict[str, t.Callable[[str], str]] = {
    "plain": lambda text: text,
    "quote": quote,
    "quote, all": lambda text: quote(text, safe=""),
    "quote_plus": quote_plus,
    "json": json.dumps,
    "json utf-8": lambda text: json.dumps(text, ensure_ascii=False),
    "json in json": lambda text: json.dumps(json.dumps(text)),
    "repr": repr,
    "bytes repr": lambda text: repr(text.encode()),
    "sql": lambda text: "'" + text.replace("'", "''") + "'",
    "shell": shlex.quote,
    "html": html.escape,
    "hex": lambda text: bytes(text, "utf-8").hex(),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 url": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "basic": lambda text: "Basic " + base64.b64encode(("root:" + text).encode()).decode(),
    "basic bare": lambda text: base64.b64encode(("me:" + text).encode()).decode(),
    "basic bare 1": lambda text: base64.b64encode(("user:" + text + ":tail").encode()).decode(),
}
SHAPES: t.List[t.Callable[[str], t.Any]] = [
    lambda text: text,
    lambda text: [text],
    lambda text: (1, (text,)),
    lambda text: {"deep": [{"er": {"x": text}}]},
    lambda text: {text: 1},
    lambda text: {"s": {text}},
    lambda text: text.encode("utf-8", "surrogatepass"),
    ValueError,
    lambda text: "before " + text + " after " + text,
]


@pytest.mark.parametrize("encode", ENCODERS.values(), ids=list(ENCODERS))
@given(SECRETS, st.integers(0, len(SHAPES) - 1))
def test_no_encoding_in_no_shape_leaks(encode: t.Callable[[str], str], secret: str, shape: int) -> None:
    encoded = encode(secret)
    masked = Redactor([secret]).mask(SHAPES[shape](encoded))
    text = json.dumps(masked, ensure_ascii=False)
    assert MASK in text
    # What an encoder puts around the secret (quotes) may stay, its inside may not.
    assert encoded.strip("'\"\\") not in text
    assert secret not in text


@pytest.mark.parametrize("encode", ENCODERS.values(), ids=list(ENCODERS))
def test_nasty_canary(encode: t.Callable[[str], str]) -> None:
    masked = Redactor([CANARY]).mask("<" + encode(CANARY) + ">")
    for part in ("k4n", "ry-", "&<x>"):
        assert part not in masked, masked
    assert base64.b64encode(CANARY.encode()).decode()[4:12] not in masked


@pytest.mark.parametrize("lead", ["", "a:", "ab:", "abc:", "admin:"])
def test_basic_auth_leaves_no_bits(lead: str) -> None:
    secret = "correct horse battery"
    header = base64.b64encode((lead + secret).encode()).decode()
    assert Redactor([secret]).mask(f"x {header} y") == f"x {MASK} y"


def test_one_secret_inside_another() -> None:
    redactor = Redactor(["alpha", "alphabet"])
    assert redactor.mask("alphabet alpha") == f"{MASK} {MASK}"


def test_url_userinfo_goes_without_knowing_the_secret() -> None:
    redactor = Redactor([])
    assert redactor.mask("see mysql://root:p@ss@db:4002/public?x=a@b") == f"see mysql://{MASK}@db:4002/public?x=a@b"
    assert redactor.mask("http://db:4000/mail@host") == "http://db:4000/mail@host"
    assert redactor.mask("Authorization: Basic cm9vdDpzZWNyZXQ=") == f"Authorization: Basic {MASK}"


def test_short_secrets_and_plain_things_are_left_alone() -> None:
    redactor = Redactor(["ab", "", "4398"])
    data = {"region_id": 4398046511104, "on": True, "none": None, "share": 0.5, "text": "abc basic understanding"}
    assert redactor.mask(data) == data
    assert redactor.mask(4398) == MASK


def test_input_is_not_changed_and_dataclasses_become_data() -> None:
    @dataclasses.dataclass(frozen=True)
    class Record:
        name: str
        password: str

    before = {"a": ["hunter2hunter2"]}
    Redactor(["hunter2hunter2"]).mask(before)
    assert before == {"a": ["hunter2hunter2"]}
    assert Redactor(["hunter2hunter2"]).mask(Record("n", "hunter2hunter2")) == {"name": "n", "password": MASK}


def test_masking_is_stable() -> None:
    redactor = Redactor(["hunter2hunter2"])
    once = redactor.mask("hunter2hunter2 http://a:b@c")
    assert redactor.mask(once) == once
