# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The cutover module: options and journal are checked before anything is contacted, then its call is carried out."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core import guard_state as gs
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.cutover_control import CutoverControl
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError, with_reason
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_file import GuardPlace
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_living import living_guard
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import cutover_left as cl
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import cutover_past as cp
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_call import Call
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_fences import Fences
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_look import Eyes
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_options import (
    CUT_OVER,
    LIFTED,
    CutoverRequest,
    read_request,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_second import second_call
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.journal_tables import require_their_journal
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.settings_restore_journal import SettingsJournal
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.zookeeper import load_kazoo


class CutoverTask:
    """``body`` returns the module's result, ``partial`` what is known and was done when it failed in the middle."""

    def __init__(self, params: t.Mapping[str, t.Any], check_mode: bool, redactor: Redactor, clock: Clock) -> None:
        self._params = params
        self._check_mode = check_mode
        self._redactor = redactor
        self._clock = clock
        self._call = Call(check_mode, clock)

    def partial(self) -> t.Dict[str, t.Any]:
        """What is known and was done so far."""
        return self._call.so_far()

    def body(self) -> t.Dict[str, t.Any]:
        """The module's result; MigrationError where the cutover did not come to its end."""
        request = read_request(self._params)
        if request.place is not None and request.state != LIFTED:
            load_kazoo()
        journal = SettingsJournal(self._params, self._redactor, self._clock)
        require_their_journal(journal.entries, request.tables, self._params["journal"])
        call = self._call
        call.control = CutoverControl.of(self._params, journal.entries, self._clock)
        call.more["events"] = call.control.events
        place = GuardPlace.of(str(self._params["journal"]))
        eyes = Eyes(request, self._clock)
        try:
            past = cp.read_past(journal.entries)
            if request.state != CUT_OVER:
                return second_call(call, eyes, journal, place, past)
            self._leave_no_guard(place)
            try:
                todo = call.look(eyes, past)
            except MigrationError as error:
                raise self._lifted_blindly(error, request, journal, place, past) from error
            return Fences(call, eyes, journal, place, past, todo).run()
        finally:
            eyes.close()
            journal.close()

    def _lifted_blindly(
        self,
        error: MigrationError,
        request: CutoverRequest,
        journal: SettingsJournal,
        place: GuardPlace,
        past: cp.Past,
    ) -> MigrationError:
        """What to raise when a cutover cannot even look. A fence that was left does not wait for what cannot answer."""
        if self._check_mode or not cl.perhaps_fenced(past, request.tables):
            return error
        eyes = Eyes(dataclasses.replace(request, state=LIFTED), self._clock)
        try:
            second_call(self._call, eyes, journal, place, past)
        except MigrationError as second:
            return error if second.code == error.code else with_reason(second, error)
        finally:
            eyes.close()
        lifted = [name for name, track in self._call.tracks.items() if track.lifted is not None]
        return cl.put_right_first(error, dict.fromkeys(lifted, cp.LIFT_FIRST), False)

    def _leave_no_guard(self, place: GuardPlace) -> None:
        found = living_guard(place)
        if found is not None and self._check_mode and found.answer.state in gs.ENDS:
            found.link.close()
            return
        cp.dismiss(found)
