// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import Testing

@Suite("Bulkhead")
struct BulkheadTests {
    @Test("never more at once than there are permits, and everybody gets through")
    func bound() async throws {
        let bulkhead = try Bulkhead("b", permits: 3)
        let inside = Guarded((now: 0, most: 0, done: 0))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    try await bulkhead.run {
                        inside.withLock {
                            $0.now += 1
                            $0.most = max($0.most, $0.now)
                        }
                        await Task.yield()
                        inside.withLock {
                            $0.now -= 1
                            $0.done += 1
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(inside.withLock { $0.most } <= 3)
        #expect(inside.withLock { $0.done } == 50)
        #expect(bulkhead.inUse == 0)
    }

    /// Whether a permit can be had now; it is given back at once.
    private static func isFree(_ bulkhead: Bulkhead) -> Bool {
        if let permit = bulkhead.tryAcquire() {
            permit.giveBack()
            return true
        }
        return false
    }

    @Test("a full line refuses by name; a free permit is not given past the line")
    func full() async throws {
        let bulkhead = try Bulkhead("b", permits: 1, queue: 1)
        let gate = Mailbox<Void>()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await bulkhead.run { _ = await gate.next() } }
            while bulkhead.inUse == 0 { await Task.yield() }
            group.addTask { try await bulkhead.run {} }
            while bulkhead.waiting == 0 { await Task.yield() }
            let error = await #expect(throws: BulkheadFull.self) { try await bulkhead.run {} }
            #expect(error?.bulkhead == "b")
            #expect(Self.isFree(bulkhead) == false)
            gate.post(())
            try await group.waitForAll()
        }
        #expect(Self.isFree(bulkhead) == true)
        do {
            let permit = try await bulkhead.acquire()
            #expect(Self.isFree(bulkhead) == false)
            permit.giveBack()
        }
        #expect(bulkhead.inUse == 0)
    }

    @Test("a task that is cancelled leaves the line; the permit goes to the next one")
    func cancelled() async throws {
        let bulkhead = try Bulkhead("b", permits: 1)
        let gate = Mailbox<Void>()
        let cancel = Mailbox<Void>()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await bulkhead.run { _ = await gate.next() } }
            while bulkhead.inUse == 0 { await Task.yield() }
            group.addTask {
                await withThrowingTaskGroup(of: Void.self) { inner in
                    inner.addTask { try await bulkhead.run { _ = Issue.record("a cancelled task got the permit") } }
                    _ = await cancel.next()
                    inner.cancelAll()
                }
            }
            while bulkhead.waiting == 0 { await Task.yield() }
            group.addTask { try await bulkhead.run {} }
            while bulkhead.waiting == 1 { await Task.yield() }
            cancel.post(())
            while bulkhead.waiting == 2 { await Task.yield() }
            gate.post(())
            try await group.waitForAll()
        }
        #expect(bulkhead.inUse == 0)
        #expect(bulkhead.inUse == 0)
    }

    @Test("the permit comes back when the call throws")
    func throwing() async throws {
        let bulkhead = try Bulkhead("b", permits: 1)
        struct Broken: Error {}
        await #expect(throws: Broken.self) { try await bulkhead.run { throw Broken() } }
        #expect(bulkhead.inUse == 0)
        #expect(throws: CanoError.self) { try Bulkhead("b", permits: 0) }
    }
}
