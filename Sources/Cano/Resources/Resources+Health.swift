// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

extension Resources {
    /// Asks every resource how well it works, all at once.
    ///
    /// One that does not answer within the configured time, or throws, counts as unhealthy; a check that hangs is
    /// cancelled, and not begun again before it has ended.
    ///
    /// - Returns: an entry for each resource, in the order in which they were set up.
    public func health() async -> HealthReport {
        let entries = self.entries
        let answers = Mailbox<(index: Int, health: Health)>()
        var handles: [CancellationHandle] = []
        var known: [Int: Health] = [:]
        for (index, entry) in entries.enumerated() {
            let isBusy = entry.isChecked.withLock { isChecked in
                defer { isChecked = true }
                return isChecked
            }
            if isBusy {
                known[index] = .unhealthy("its last check has not ended yet")
                continue
            }
            let handle = CancellationHandle()
            handles.append(handle)
            let isPosted = self.jobs.post {
                let health = await handle.run { await Self.check(entry) }
                entry.isChecked.withLock { $0 = false }
                answers.post((index, health))
            }
            if !isPosted { known[index] = .unhealthy("it is being torn down") }
        }
        let timeout = self.configuration.healthTimeout
        known.merge(await self.collect(answers, entries.count - known.count)) { _, new in new }
        for handle in handles { handle.cancel() }
        let late = Health.unhealthy("no answer within \(timeout)")
        return HealthReport(
            entries.enumerated()
                .map { HealthReport.Entry(resource: $1.name, health: known[$0] ?? late) }
        )
    }

    private static func check(_ entry: Entry) async -> Health {
        do { return try await entry.health() } catch { return .unhealthy("\(error)") }
    }

    /// The answers that come in time.
    private func collect(_ answers: Mailbox<(index: Int, health: Health)>, _ count: Int) async -> [Int: Health] {
        let clock = self.configuration.clock
        let timeout = self.configuration.healthTimeout
        let found = Guarded<[Int: Health]>([:])
        guard count > 0 else { return [:] }
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                while found.withLock({ $0.count }) < count, let some = await answers.next() {
                    found.withLock { found in for answer in some { found[answer.index] = answer.health } }
                }
            }
            // A cancelled sleep means that all answers are there.
            group.addTask { try? await clock.sleep(until: clock.now().advanced(by: timeout)) }
            await group.next()
            group.cancelAll()
        }
        return found.withLock { $0 }
    }
}
