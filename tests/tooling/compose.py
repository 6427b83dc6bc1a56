# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges the compose files of the scenarios with real servers, without a container engine.

The schema holds what these files use of the Compose specification and nothing else, so that a misspelt key is found.
"""

from __future__ import annotations

import ipaddress
import pathlib
import re
import typing as t

import jsonschema
import yaml

Compose = t.Mapping[str, t.Any]

_TEXTS = {"type": "array", "items": {"type": "string"}, "minItems": 1}
_NAMES = {"type": "object", "additionalProperties": {"type": "string"}}
_SERVICE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["deploy", "healthcheck", "image", "networks", "restart"],
    "properties": {
        "command": _TEXTS,
        "depends_on": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "additionalProperties": False,
                "required": ["condition"],
                "properties": {"condition": {"const": "service_healthy"}},
            },
        },
        "deploy": {
            "type": "object",
            "additionalProperties": False,
            "required": ["resources"],
            "properties": {
                "resources": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["limits"],
                    "properties": {
                        "limits": {
                            "type": "object",
                            "additionalProperties": False,
                            "required": ["cpus", "memory"],
                            "properties": {
                                "cpus": {"type": "string", "pattern": r"^\d+\.\d+$"},
                                "memory": {"type": "string", "pattern": r"^\d+[MG]$"},
                            },
                        }
                    },
                }
            },
        },
        "entrypoint": _TEXTS,
        "environment": _NAMES,
        "healthcheck": {
            "type": "object",
            "additionalProperties": False,
            "required": ["interval", "retries", "test", "timeout"],
            "properties": {
                "interval": {"type": "string", "pattern": r"^\d+s$"},
                "retries": {"type": "integer", "minimum": 1},
                "test": {**_TEXTS, "minItems": 2, "prefixItems": [{"enum": ["CMD", "CMD-SHELL"]}]},
                "timeout": {"type": "string", "pattern": r"^\d+s$"},
            },
        },
        "hostname": {"type": "string", "pattern": "^[a-z][a-z0-9-]*$"},
        "image": {"type": "string"},
        "networks": {
            "oneOf": [
                {**_TEXTS, "uniqueItems": True},
                {
                    "type": "object",
                    "minProperties": 1,
                    "additionalProperties": {
                        "type": "object",
                        "additionalProperties": False,
                        "required": ["ipv4_address"],
                        "properties": {"ipv4_address": {"type": "string", "format": "ipv4"}},
                    },
                },
            ]
        },
        "ports": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["host_ip", "published", "target"],
                "properties": {
                    "host_ip": {"const": "127.0.0.1"},
                    "published": {"type": "string", "pattern": r"^\d{4,5}$"},
                    "target": {"type": "integer", "minimum": 1, "maximum": 65535},
                },
            },
        },
        "restart": {"const": "no"},
        "user": {"type": "string"},
        "volumes": {"type": "array", "items": {"type": "string"}},
    },
}
SCHEMA: dict[str, t.Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "networks", "services"],
    "patternProperties": {"^x-": {}},
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z0-9][a-z0-9_-]*$"},
        "networks": {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {
                "type": "object",
                "additionalProperties": False,
                "required": ["driver"],
                "properties": {
                    "driver": {"const": "bridge"},
                    "ipam": {
                        "type": "object",
                        "additionalProperties": False,
                        "required": ["config"],
                        "properties": {"config": {"type": "array", "minItems": 1, "items": _NAMES}},
                    },
                },
            },
        },
        "services": {"type": "object", "minProperties": 1, "additionalProperties": _SERVICE},
        "volumes": {"type": "object", "additionalProperties": {"type": "null"}},
    },
}
_DEFAULT = re.compile(r"\$\{\w+:-([^}]*)\}")
_VERSION = re.compile(r"\d+\.\d+\.\d+|\d{4}-\d{2}-\d{2}")
_UNITS = {"M": 1, "G": 1024}


def load(path: pathlib.Path) -> Compose:
    """The file with its anchors resolved."""
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def image(service: Compose) -> tuple[str, str]:
    """(repository, tag) of a service when no variable says otherwise; the tag is "" where there is none."""
    text = _DEFAULT.sub(r"\1", service["image"])
    repository, _colon, tag = text.rpartition(":")
    return (repository, tag) if repository and "/" not in tag else (text, "")


def memory(compose: Compose) -> int:
    """The memory that all services together may take, MiB."""
    limits = [one["deploy"]["resources"]["limits"]["memory"] for one in compose["services"].values()]
    return sum(int(text[:-1]) * _UNITS[text[-1]] for text in limits)


def problems(compose: Compose, folder: pathlib.Path) -> list[str]:
    """A sentence for each thing that is wrong in the file of the scenario ``folder``; of a broken schema only that."""
    validator = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker())
    found = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(compose)]
    if found:
        return sorted(found)
    for name, service in compose["services"].items():
        found += [f"{name}: {problem}" for problem in _service_problems(service, compose, folder)]
    published = [one["published"] for service in compose["services"].values() for one in service.get("ports", ())]
    found += [f"port {one} is published twice" for one in sorted({p for p in published if published.count(p) > 1})]
    return found + _address_problems(compose)


def _service_problems(service: Compose, compose: Compose, folder: pathlib.Path) -> t.Iterator[str]:
    repository, tag = image(service)
    if "latest" in tag or not _VERSION.search(tag):
        yield f"the tag {tag!r} of {repository} does not pin a release"
    for other in service.get("depends_on", ()):
        if other not in compose["services"]:
            yield f"it depends on {other}, which is not there"
    for network in service["networks"]:
        if network not in compose["networks"]:
            yield f"it is in the network {network}, which is not there"
    for volume in service.get("volumes", ()):
        source, _colon, rest = volume.partition(":")
        if source.startswith((".", "/", "~", "$")):
            yield from _path_problems(source, rest, folder)
        elif source not in compose.get("volumes", {}):
            yield f"the volume {source} is not there"


def _path_problems(source: str, rest: str, folder: pathlib.Path) -> t.Iterator[str]:
    path = (folder / source).resolve()
    if not source.startswith("./") or not path.is_relative_to(folder.resolve()):
        yield f"{source} is outside of the scenario"
    elif not path.is_file():
        yield f"{source} is not a file of the scenario"
    elif not rest.endswith(":ro"):
        yield f"{source} could be written by the container"


def _address_problems(compose: Compose) -> list[str]:
    found, seen = [], set()
    for name, service in compose["services"].items():
        if isinstance(service["networks"], list):
            continue
        for network, settings in service["networks"].items():
            address = settings["ipv4_address"]
            ranges = [one["subnet"] for one in compose["networks"][network].get("ipam", {}).get("config", ())]
            if not any(ipaddress.ip_address(address) in ipaddress.ip_network(one) for one in ranges):
                found.append(f"{name}: {address} is in no subnet of {network}")
            if address in seen:
                found.append(f"{name}: {address} is given twice")
            seen.add(address)
    return found
