// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// Rings once at the time that was set last; one sleeping task, however many schedules there are.
final class ScheduleAlarm: Sendable {
    private let host: any ScheduleHost
    private let target = Guarded<Instant?>(nil)
    private let changed = Mailbox<Void>()

    init(host: any ScheduleHost) {
        self.host = host
    }

    /// Rings at that time instead of the one before; never for `nil`.
    func set(_ instant: Instant?) {
        let isOther = self.target.withLock { target in
            defer { target = instant }
            return target != instant
        }
        if isOther { self.changed.post(()) }
    }

    /// Rings until the task is cancelled.
    func run(_ ring: @Sendable () -> Void) async {
        while !Task.isCancelled {
            guard let instant = self.target.withLock({ $0 }) else {
                _ = await self.changed.next()
                continue
            }
            if self.host.now() >= instant {
                let isOurs = self.target.withLock { target in
                    guard target == instant else { return false }
                    target = nil
                    return true
                }
                if isOurs { ring() }
                continue
            }
            await withTaskGroup(of: Void.self) { group in
                group.addTask { _ = await self.changed.next() }
                group.addTask { await self.host.sleep(until: instant) }
                await group.next()
                group.cancelAll()
            }
        }
    }
}
