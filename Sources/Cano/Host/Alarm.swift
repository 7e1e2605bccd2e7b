// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
internal import HeapModule

/// Wakes shards, and the dispatch, at the instants they asked for; one sleeping task for all of them.
final class Alarm: Sendable {
    /// Who is woken.
    enum Sleeper: Hashable, Sendable {
        case shard(ShardID)
        /// The shard's commit that failed and is to be tried again.
        case commit(ShardID)
        case dispatch
    }

    private struct Entry: Comparable, Sendable {
        var at: Instant
        var sleeper: Sleeper

        static func < (left: Entry, right: Entry) -> Bool { left.at < right.at }
    }

    private let clock: HostClock
    private let time: any HostTime
    private let entries = Guarded(Heap<Entry>())
    private let earlier = Mailbox<Void>()

    init(clock: HostClock, time: any HostTime) {
        self.clock = clock
        self.time = time
    }

    /// Wakes somebody when this instant has come.
    func set(_ sleeper: Sleeper, at instant: Instant) {
        let isEarliest = self.entries.withLock { entries in
            let isEarliest = entries.min.map { instant < $0.at } ?? true
            entries.insert(Entry(at: instant, sleeper: sleeper))
            return isEarliest
        }
        guard isEarliest else { return }
        self.time.busy(1)
        self.earlier.post(())
    }

    /// Fires until the task is cancelled.
    func run(_ fire: @Sendable (Sleeper) -> Void) async {
        var busy = 0
        while !Task.isCancelled {
            let next = self.entries.withLock { $0.min?.at }
            busy = await self.sleep(until: next, releasing: busy)
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

    /// Waits until this instant, or until there is an earlier one; returns with what the loop is busy with then.
    private func sleep(until next: Instant?, releasing busy: Int) async -> Int {
        guard let next else {
            self.time.busy(-busy)
            return await self.earlier.next()?.count ?? 0
        }
        let deadline = self.clock.local(next)
        guard deadline > self.time.now else { return busy }
        return await withTaskGroup(of: Int.self) { group in
            group.addTask { await self.earlier.next()?.count ?? 0 }
            group.addTask {
                // A cancelled sleep is what we want when something earlier came up.
                do { try await self.time.sleep(until: deadline, for: .work, releasing: busy) } catch { return 0 }
                return 1
            }
            var busy = 0
            for await part in group {
                busy += part
                group.cancelAll()
            }
            return busy
        }
    }
}
