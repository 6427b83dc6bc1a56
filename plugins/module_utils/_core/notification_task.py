# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""One call of the notification module: which webhooks still have to be told, telling them, remembering that."""

from __future__ import annotations

import dataclasses
import re
import threading
import typing as t
import uuid

from ansible_collections.dbops.migration.plugins.module_utils._core import notification as nt
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, iso
from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_list, as_mapping
from ansible_collections.dbops.migration.plugins.module_utils._core.durations import parse_duration
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import open_journal, read_journal
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_view import JournalView
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.webhook import (
    Delivery,
    Patience,
    Sender,
    Webhook,
    tls_context,
    webhook,
)

KIND = "notification"
DELIVERED = "delivered"
ALREADY = "already_delivered"
FAILED = "failed"
WOULD_SEND = "would_be_sent"

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_LONGEST = 600.0
_GRACE = 0.5
"""Seconds beyond the deadline after which a delivery that hangs where no timeout holds (a name server) is given up."""

Warn = t.Callable[[str], t.Any]


@dataclasses.dataclass(frozen=True)
class Request:
    """The options, read. ``timeout`` in seconds."""

    hooks: t.Sequence[Webhook]
    secret: str
    event: str
    form: str
    timeout: float
    required: bool


def webhooks(params: t.Mapping[str, t.Any]) -> t.List[Webhook]:
    """The URLs of the options, each once."""
    listed = [str(one).strip() for one in as_list(params.get("url"), "url")]
    found = {one: webhook(one, "url") for one in listed if one}
    return list(found.values())


def secrets(params: t.Mapping[str, t.Any]) -> t.Set[str]:
    """What must not be shown besides the secrets of other options. Never raises: wrong options are told later."""
    found = {str(params.get("secret") or "")}
    try:
        hooks = webhooks(params)
    except MigrationError:
        given = params.get("url")
        found.update(str(one) for one in (given if isinstance(given, list) else [given]) if one)
        return found
    for hook in hooks:
        found.update(hook.secrets())
    return found


def read_request(params: t.Mapping[str, t.Any]) -> Request:
    """The options; InvalidOption before anything is contacted."""
    hooks = webhooks(params)
    if params["required"] and not hooks:
        raise InvalidOption("url", "it is missing, and required is true", "Give the URL of a webhook")
    event = str(params["event"])
    if not _NAME.fullmatch(event):
        raise InvalidOption(
            "event", f"{event!r} is not a name", "Give up to 64 small letters, digits and _ . - such as after_migrate"
        )
    timeout = parse_duration(params["timeout"], "timeout", maximum=_LONGEST)
    return Request(hooks, str(params.get("secret") or ""), event, params["format"], timeout, params["required"])


class NotificationTask:
    """Holds what one call needs, so that a failure in the middle can still tell what was done."""

    def __init__(
        self,
        params: t.Mapping[str, t.Any],
        check_mode: bool,
        redactor: Redactor,
        clock: Clock,
        warn: Warn,
        patience: t.Optional[Patience] = None,
    ) -> None:
        """``redactor`` must know the :func:`secrets` of the options."""
        self._params = params
        self._check_mode = check_mode
        self._redactor = redactor
        self._clock = clock
        self._warn = warn
        self._patience = patience or Patience()
        self.result: t.Dict[str, t.Any] = {"changed": False, "event_id": "", "payload": {}, "deliveries": []}

    def body(self) -> t.Dict[str, t.Any]:
        """The module's result. MigrationError for wrong options, and for what was not delivered if it is required."""
        request = read_request(self._params)
        context = tls_context(self._params.get("ca_cert") or "", "ca_cert")
        view = self._read()
        whole = self._event(request, view)
        event = nt.fitting(whole, request.form)
        if event is not whole:
            self._warn(f"The notification {request.event} was shortened: {nt.LARGEST:,} bytes are sent at most.")
        data = nt.payload(event, request.form)
        body = nt.encode(data)
        self.result.update(event_id=event.id, payload=data)
        told = _told(view, event.id)
        missing = [hook for hook in request.hooks if hook.mark not in told]
        rows = {hook.mark: _row(hook, ALREADY if hook.mark in told else WOULD_SEND) for hook in request.hooks}
        self.result.update(deliveries=list(rows.values()), changed=bool(missing))
        if missing:
            self.result["diff"] = {"before": {}, "after": {event.id: data}}
        if self._check_mode or not missing:
            return self.result
        self.result["changed"] = False
        sender = Sender(
            body, lambda at: nt.headers(event, request.secret, at, body), context, self._clock, self._patience
        )
        ended = self._send(sender, missing, request.timeout)
        for hook, delivery in zip(missing, ended):
            rows[hook.mark].update(
                status=FAILED if delivery.problem else DELIVERED,
                attempts=delivery.attempts,
                http_status=delivery.status,
                problem=delivery.problem,
            )
        self.result["changed"] = any(not one.problem for one in ended)
        self._remember(view, event, [rows[hook.mark] for hook in missing])
        self._judge(request, [one.problem for one in ended if one.problem])
        return self.result

    def _event(self, request: Request, view: t.Optional[JournalView]) -> nt.Event:
        params = self._params
        phase = str(params.get("phase") or "")
        migration_id = str(params.get("migration_id") or (view.migration_id if view is not None else ""))
        run = str(params.get("run") or _last_run(view, phase))
        # Without anything that names the run, two calls are two events: nobody could tell them from a repetition.
        known = bool(view is not None or params.get("run"))
        masked = self._redactor.mask({**as_mapping(params.get("extra"), "extra")})
        return nt.Event(
            id=nt.event_id(migration_id, request.event, run) if known else uuid.uuid4().hex,
            event=request.event,
            migration_id=migration_id,
            engine=view.engine if view is not None else "",
            phase=phase,
            status=str(params["status"]),
            summary=str(self._redactor.mask(params.get("summary") or "")),
            time=iso(self._clock.now()),
            run=run,
            report=str(self._redactor.mask(params.get("report") or "")),
            extra=masked,
        )

    def _read(self) -> t.Optional[JournalView]:
        """The journal. One that is damaged or out of reach does not keep people from being told."""
        try:
            view = read_journal(self._params)
        except MigrationError as error:
            if error.code == "option.invalid":
                raise
            self._warn(f"What was delivered before is not known: {error.message}")
            return None
        if view is None or not view.entries:
            return None
        view = view.expecting(str(self._params.get("migration_id") or ""))
        for problem in view.problems:
            if problem.code == "journal.other_migration":
                raise problem.error()
        return view

    def _send(self, sender: Sender, hooks: t.Sequence[Webhook], timeout: float) -> t.List[Delivery]:
        """All at once, so that one that hangs holds up nobody."""
        until = self._clock.monotonic() + timeout
        ended = [Delivery(0, 0, f"{hook.shown} did not answer, and the time is up") for hook in hooks]

        def one(number: int) -> None:
            ended[number] = sender.deliver(hooks[number], until)

        # Daemons: a name server that hangs must not keep the module from ending.
        threads = [threading.Thread(target=one, args=(number,), daemon=True) for number in range(len(hooks))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(0.0, until + _GRACE - self._clock.monotonic()))
        return list(ended)

    def _remember(
        self, view: t.Optional[JournalView], event: nt.Event, rows: t.Sequence[t.Mapping[str, t.Any]]
    ) -> None:
        """Write how it ended. A journal is not made for this: the first phase does that, with its engine."""
        if view is None:
            return
        told = {"id": event.id, "event": event.event, "phase": event.phase, "run": event.run}
        try:
            journal = open_journal(
                self._params, engine=view.engine, clock=self._clock, redactor=self._redactor, create=False
            )
            if journal is not None:
                with journal:
                    journal.append_many((KIND, {**told, **row}) for row in rows)
        except MigrationError as error:
            self._warn(f"It is not remembered what was delivered, so a repetition sends it again: {error.message}")

    def _judge(self, request: Request, problems: t.Sequence[str]) -> None:
        if not problems:
            return
        text = f"The notification {request.event} was not delivered: {'; '.join(problems)}."
        if request.required:
            raise MigrationError("notification.failed", text, details={"problems": list(problems)})
        self._warn(text)


def _row(hook: Webhook, status: str) -> t.Dict[str, t.Any]:
    return {"to": hook.shown, "mark": hook.mark, "status": status, "attempts": 0, "http_status": 0, "problem": ""}


def _told(view: t.Optional[JournalView], event_id: str) -> t.Set[str]:
    """Marks of the webhooks that have taken this event already."""
    if view is None:
        return set()
    return {
        str(entry.data.get("mark"))
        for entry in view.of_kind(KIND)
        if entry.data.get("id") == event_id and entry.data.get("status") == DELIVERED
    }


def _last_run(view: t.Optional[JournalView], phase: str) -> str:
    """The newest run of the phase, or of any phase when none is given; "" when there was none."""
    if view is None:
        return ""
    runs = [entry.data for entry in view.of_kind("run.started") if not phase or entry.data.get("phase") == phase]
    return str(runs[-1].get("run_id", "")) if runs else ""
