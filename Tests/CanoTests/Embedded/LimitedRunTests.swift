// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import Testing

@Suite("Runs with declared limits")
struct LimitedRunTests {
    /// One state that calls something.
    struct Limited: Workflow {
        static let name = "limited"
        static let version = 1
        enum State: String, WorkflowState { case call, done }
        struct Context: Codable, Sendable { var number = 0 }

        let limits: [DeclaredLimit]
        let call: @Sendable (Int) async throws -> Void

        func step(in state: State) -> Step<Self> {
            switch state {
            case .call:
                .task(Call(call: self.call), retry: .fixed(attempts: 3, every: .zero), limits: self.limits, to: .done)
            case .done: .exit
            }
        }
    }

    struct Call: ContextTask {
        let call: @Sendable (Int) async throws -> Void

        func run(_ context: inout Limited.Context, _ task: TaskContext) async throws {
            try await self.call(context.number)
        }
    }

    static func memory() -> any RunStore {
        let start = ContinuousClock.now
        return MemoryStore {
            let (seconds, attoseconds) = start.duration(to: .now).components
            return Instant(microseconds: 1_000_000 + seconds * 1_000_000 + attoseconds / 1_000_000_000_000)
        }
    }

    @Test("never more attempts at once than the concurrency limit allows, and every run ends")
    func concurrency() async throws {
        let inside = Guarded((now: 0, most: 0))
        let workflow = Limited(limits: [.concurrency("db", 2)]) { _ in
            inside.withLock {
                $0.now += 1
                $0.most = max($0.most, $0.now)
            }
            for _ in 0..<50 { await Task.yield() }
            inside.withLock { $0.now -= 1 }
        }
        try await EmbeddedRunner.run(workflow, on: Self.memory()) { runner in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<20 {
                    group.addTask {
                        _ = try await runner.start(Limited.self, context: .init(number: number)).outcome()
                    }
                }
                try await group.waitForAll()
            }
        }
        #expect(inside.withLock { $0.most } == 2)
    }

    @Test("a run that is held up says for what, and goes on when the limit allows it")
    func waits() async throws {
        let gate = Mailbox<Void>()
        let begun = Guarded(0)
        let workflow = Limited(limits: [.concurrency("db", 1)]) { number in
            begun.withLock { $0 += 1 }
            if number == 0 { _ = await gate.next() }
        }
        try await EmbeddedRunner.run(workflow, on: Self.memory()) { runner in
            let first = try await runner.start(Limited.self, context: .init(number: 0))
            while begun.withLock({ $0 }) == 0 { await Task.yield() }
            #expect(first.waits().isEmpty)
            let second = try await runner.start(Limited.self, context: .init(number: 1))
            while second.waits().isEmpty { await Task.yield() }
            let wait = second.waits().first
            #expect(wait?.limit.description == "concurrency 'db'")
            #expect(wait?.key.path == .step)
            gate.post(())
            _ = try await first.outcome()
            _ = try await second.outcome()
            #expect(second.waits().isEmpty)
        }
    }

    @Test("a rate holds later attempts back until the window lets them through")
    func rate() async throws {
        let times = Guarded<[ContinuousClock.Instant]>([])
        let workflow = Limited(limits: [.rate("api", 2, per: .milliseconds(200))]) { _ in
            times.withLock { $0.append(.now) }
        }
        let begun = ContinuousClock.now
        try await EmbeddedRunner.run(workflow, on: Self.memory()) { runner in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<5 {
                    group.addTask {
                        _ = try await runner.start(Limited.self, context: .init(number: number)).outcome()
                    }
                }
                try await group.waitForAll()
            }
        }
        let all = times.withLock { $0 }.sorted()
        #expect(all.count == 5)
        // Three windows of two: the last begins no earlier than two windows behind the first, which came after this
        // moment, however busy the machine is. A little less, because the store's clock is not this one.
        #expect(begun.duration(to: all[4]) > .milliseconds(390))
    }

    @Test("a breaker keeps attempts of all runs away from what fails, until time or somebody closes it")
    func breaker() async throws {
        struct Down: Error {}
        let isDown = Guarded(true)
        let calls = Guarded(0)
        let limits: [DeclaredLimit] = [.breaker("pay", failures: 2, openFor: .seconds(3600))]
        let workflow = Limited(limits: limits) { _ in
            calls.withLock { $0 += 1 }
            if isDown.withLock({ $0 }) { throw Down() }
        }
        try await EmbeddedRunner.run(workflow, on: Self.memory()) { runner in
            #expect(throws: CanoError.self) { try runner.force(breaker: "pay", .closed) }
            let run = try await runner.start(Limited.self, context: .init())
            while run.waits().isEmpty { await Task.yield() }
            #expect(run.waits().first?.limit == LimitID(kind: .breaker, name: "pay"))
            #expect(calls.withLock { $0 } == 2)
            isDown.withLock { $0 = false }
            // It was not forced, so there is nothing to release: it stays open for its hour.
            try runner.force(breaker: "pay", .release)
            #expect(run.waits().first?.limit == LimitID(kind: .breaker, name: "pay"))
            try runner.force(breaker: "pay", .closed)
            _ = try await run.outcome()
            try runner.force(breaker: "pay", .release)
            #expect(calls.withLock { $0 } == 3)
        }
    }

    @Test("an attempt that a breaker inside the task refused comes again when that may let it through")
    func refusedInside() async throws {
        let breaker = try CircuitBreaker("pay", BreakerPolicy { $0.openTime = Span(milliseconds: 20) })
        let calls = Guarded(0)
        let workflow = Limited(limits: []) { _ in
            calls.withLock { $0 += 1 }
            try await breaker.run {}
        }
        for _ in 0..<5 { try breaker.acquire().fail() }
        let store = Self.memory()
        try await EmbeddedRunner.run(workflow, on: store) { runner in
            let run = try await runner.start(Limited.self, context: .init())
            _ = try await run.outcome()
            let rows = try await store.history(of: run.id, after: 0, limit: 100)
            #expect(rows.contains { $0.kind == .attemptFailed } || calls.withLock { $0 } == 1)
        }
    }

    @Test("F-ERR-09, F-ERR-10: a refusal inside a task fails its attempt with a code of its own")
    func refusalCodes() async throws {
        let breaker = try CircuitBreaker("pay")
        breaker.forceOpen()
        let limiter = try RateLimiter("api", .bucket("second", 1, per: .seconds(1)))
        let workflow = Limited(limits: []) { number in
            if number == 0 { try await breaker.run {} }
            try limiter.take(2)
        }
        let store = Self.memory()
        try await EmbeddedRunner.run(workflow, on: store) { runner in
            for (number, code) in ["circuitOpen", "rateLimited"].enumerated() {
                let run = try await runner.start(Limited.self, context: .init(number: number))
                await #expect(throws: CanoError.self) { try await run.outcome() }
                let failed = try await store.history(of: run.id, after: 0, limit: 100)
                    .filter { $0.kind == .attemptFailed }
                // Nobody knows when an open breaker closes, so it is asked again; a cost that never fits is final.
                #expect(failed.compactMap(\.reason) == Array(repeating: code, count: number == 0 ? 3 : 1))
            }
        }
    }

    @Test("a runner without a store refuses limits that it could not count")
    func withoutStore() {
        let workflow = Limited(limits: [.concurrency("db", 1)]) { _ in }
        let error = #expect(throws: CanoError.self) { try InMemoryRunner(workflow) }
        #expect(error?.message.contains("state 'call'") ?? false)
    }
}
