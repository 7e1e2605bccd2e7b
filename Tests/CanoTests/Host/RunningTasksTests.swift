// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import Testing

@Suite("Running attempts")
struct RunningTasksTests {
    private let tasks = RunningTasks()

    private static func lease(_ counter: Int64) -> LeaseRef {
        let run = RunID(at: Instant(microseconds: 1), shard: ShardID(rawValue: 0), random: (1, UInt64(counter)))
        let key = WorkKey(run: run, visit: 1, path: .step)
        return LeaseRef(key: key, attempt: 1, token: Token(epoch: Epoch(rawValue: 1), counter: counter))
    }

    /// Whether an attempt under this lease finds itself cancelled.
    private func isCancelled(_ lease: LeaseRef) async -> Bool {
        await Task { await self.tasks.run(lease) { Task.isCancelled } }.value
    }

    @Test("a cancel reaches the attempt of its lease and no other")
    func cancel() async {
        let begun = Mailbox<LeaseRef>()
        let leases = (1...50).map { Self.lease(Int64($0)) }
        await withTaskGroup(of: (LeaseRef, Bool).self) { group in
            let ends = Mailbox<Void>()
            for lease in leases {
                group.addTask {
                    let wasCancelled = await self.tasks.run(lease) {
                        begun.post(lease)
                        // Returns when the box is closed, or this task is cancelled.
                        _ = await ends.next()
                        return Task.isCancelled
                    }
                    return (lease, wasCancelled)
                }
            }
            var count = 0
            while count < leases.count, let some = await begun.next() { count += some.count }
            self.tasks.cancel([leases[7], leases[31]])
            var cancelled: Set<LeaseRef> = []
            for _ in 0..<2 {
                if case (let lease, true)? = await group.next() { cancelled.insert(lease) }
            }
            #expect(cancelled == [leases[7], leases[31]])
            ends.close()
            for await (_, wasCancelled) in group { #expect(!wasCancelled) }
        }
    }

    @Test("an attempt that is cancelled before it begins finds itself cancelled, unless it is forgotten first")
    func early() async {
        self.tasks.cancel([Self.lease(1), Self.lease(2)])
        self.tasks.forget(Self.lease(2))
        #expect(await self.isCancelled(Self.lease(1)))
        #expect(await !self.isCancelled(Self.lease(2)))
        // Its end forgot the first one, too.
        #expect(await !self.isCancelled(Self.lease(1)))
    }

    @Test("a cancel that comes late does not hit who has the place now")
    func late() async {
        #expect(await !self.isCancelled(Self.lease(1)))
        let inside = await Task {
            await self.tasks.run(Self.lease(2)) {
                self.tasks.cancel([Self.lease(1)])
                return Task.isCancelled
            }
        }
        .value
        #expect(!inside)
        self.tasks.forget(Self.lease(1))
        #expect(await !self.isCancelled(Self.lease(1)))
    }
}
