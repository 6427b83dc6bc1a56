# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keyed locks as procedures take them."""

from __future__ import annotations

import asyncio

from lab.greptimedb.locks import KeyLocks


def test_readers_share_and_a_waiting_writer_goes_before_later_readers() -> None:
    async def scenario() -> list[str]:
        locks, order = KeyLocks(), []

        async def work(name: str, mode: str) -> None:
            async with locks.hold([(mode, "table")]):
                order.append("+" + name)
                await asyncio.sleep(0.01)
                order.append("-" + name)

        await asyncio.gather(work("r1", "Share"), work("r2", "Share"), work("w", "Exclusive"), work("r3", "Share"))
        return order

    order = asyncio.run(scenario())
    assert order[:2] == ["+r1", "+r2"]
    assert order[4:] == ["+w", "-w", "+r3", "-r3"]


def test_a_cancelled_waiter_blocks_nobody() -> None:
    async def scenario() -> bool:
        locks = KeyLocks()
        async with locks.hold([("Share", "a")]):

            async def take(mode: str) -> None:
                async with locks.hold([("Share", "b"), (mode, "a")]):
                    pass

            writer = asyncio.ensure_future(take("Exclusive"))
            reader = asyncio.ensure_future(take("Share"))
            await asyncio.sleep(0.01)
            assert not reader.done()
            writer.cancel()
            await asyncio.wait_for(reader, 1)
            return writer.cancelled() or writer.done()

    assert asyncio.run(scenario())
