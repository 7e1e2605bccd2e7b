// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
internal import HeapModule

/// Wakes shards, and the dispatch, at the instants they asked for; one sleeping task for all of them.
final class Alarm: Sendable {
    /// Who is woken.
    enum Sleeper: Hashable, Sendable {
        case shard(ShardID)
        case dispatch
    }

    private struct Entry: Comparable, Sendable {
        var at: Instant
        var sleeper: Sleeper

        static func < (left: Entry, right: Entry) -> Bool { left.at < right.at }
    }

    private let clock: HostClock
    private let entries = Guarded(Heap<Entry>())
    private let earlier = Mailbox<Void>()

    init(clock: HostClock) {
        self.clock = clock
    }

    /// Wakes somebody when this instant has come.
    func set(_ sleeper: Sleeper, at instant: Instant) {
        let isEarliest = self.entries.withLock { entries in
            let isEarliest = entries.min.map { instant < $0.at } ?? true
            entries.insert(Entry(at: instant, sleeper: sleeper))
            return isEarliest
        }
        if isEarliest { self.earlier.post(()) }
    }

    /// Fires until the task is cancelled.
    func run(_ fire: @Sendable (Sleeper) -> Void) async {
        while !Task.isCancelled {
            let next = self.entries.withLock { $0.min?.at }
            await self.sleep(until: next)
            let now = self.clock.now()
            let due = self.entries.withLock { entries in
                var due: Set<Sleeper> = []
                while let entry = entries.min, entry.at <= now {
                    due.insert(entry.sleeper)
                    entries.removeMin()
                }
                return due
            }
            for sleeper in due { fire(sleeper) }
        }
    }

    private func sleep(until next: Instant?) async {
        guard let next else {
            _ = await self.earlier.next()
            return
        }
        let deadline = self.clock.local(next)
        guard deadline > ContinuousClock.now else { return }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { _ = await self.earlier.next() }
            // A cancelled sleep is what we want when something earlier came up.
            group.addTask { try? await Task.sleep(until: deadline, tolerance: .zero) }
            await group.next()
            group.cancelAll()
        }
    }
}
