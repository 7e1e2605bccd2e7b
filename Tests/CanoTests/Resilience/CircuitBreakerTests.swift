// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import Testing

@Suite("Circuit breaker")
struct CircuitBreakerTests {
    struct Broken: Error {}

    static let policy = BreakerPolicy {
        $0.consecutiveFailures = 2
        $0.openTime = .seconds(10)
    }

    static func fail(_ breaker: CircuitBreaker) async {
        await #expect(throws: Broken.self) { try await breaker.run { throw Broken() } }
    }

    @Test("opens after failures in a row, refuses without calling, probes after a while, closes when that works")
    func life() async throws {
        let clock = ManualClock()
        let breaker = try CircuitBreaker("pay", Self.policy, clock: ResilienceClock(clock))
        await Self.fail(breaker)
        #expect(try await breaker.run { 7 } == 7)
        await Self.fail(breaker)
        await Self.fail(breaker)
        #expect(breaker.position == .open)
        clock.advance(by: .seconds(4))
        let error = await #expect(throws: CircuitOpen.self) { try await breaker.run { Issue.record("called") } }
        #expect(error == CircuitOpen(breaker: "pay", retryAfter: .seconds(6)))
        clock.advance(by: .seconds(6))
        #expect(breaker.position == .open)
        await Self.fail(breaker)
        #expect(breaker.position == .open)
        clock.advance(by: .seconds(10))
        try await breaker.run { #expect(breaker.position == .halfOpen) }
        #expect(breaker.position == .closed)
    }

    @Test("L-RES-02: a cancelled call is no failure: losers of a race on a shared breaker do not open it")
    func races() async throws {
        let breaker = try CircuitBreaker("search", BreakerPolicy { $0.consecutiveFailures = 1 })
        for _ in 0..<20 {
            let first = try await withThrowingTaskGroup(of: Int.self) { group in
                group.addTask { try await breaker.run { 1 } }
                for _ in 0..<3 {
                    group.addTask {
                        try await breaker.run {
                            try await Task.sleep(for: .seconds(3600))
                            return 2
                        }
                    }
                }
                let first = try await group.next()
                group.cancelAll()
                return first
            }
            #expect(first == 1)
            #expect(breaker.position == .closed)
        }
        // An error of another kind out of a call whose task was cancelled says nothing either.
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await #expect(throws: Broken.self) {
                    try await breaker.run {
                        withUnsafeCurrentTask { $0?.cancel() }
                        throw Broken()
                    }
                }
            }
        }
        #expect(breaker.position == .closed)
    }

    @Test("a probe that is cancelled makes room for the next one")
    func cancelledProbe() async throws {
        let clock = ManualClock()
        let breaker = try CircuitBreaker("pay", Self.policy, clock: ResilienceClock(clock))
        await Self.fail(breaker)
        await Self.fail(breaker)
        clock.advance(by: .seconds(10))
        await #expect(throws: CancellationError.self) { try await breaker.run { throw CancellationError() } }
        #expect(try await breaker.run { true })
        #expect(breaker.position == .closed)
    }

    @Test("permits say how a call ended; a dropped one says nothing")
    func permits() throws {
        let breaker = try CircuitBreaker("pay", Self.policy)
        try breaker.acquire().fail()
        do { _ = try breaker.acquire() }
        #expect(breaker.position == .closed)
        try breaker.acquire().fail()
        #expect(breaker.position == .open)
        #expect(throws: CircuitOpen.self) { _ = try breaker.acquire() }
        breaker.release()
        #expect(breaker.position == .open)
    }

    @Test("a result from before the breaker opened does not count behind that")
    func lateResult() throws {
        let breaker = try CircuitBreaker("pay", Self.policy)
        let late = try breaker.acquire()
        try breaker.acquire().fail()
        try breaker.acquire().fail()
        #expect(breaker.position == .open)
        late.succeed()
        #expect(breaker.position == .open)
    }

    @Test("forced open, forced closed, released; listeners hear every change")
    func listeners() async throws {
        let heard = Guarded<[CircuitBreaker.Position]>([])
        let breaker = try CircuitBreaker(
            "pay",
            Self.policy,
            onChange: { change in heard.withLock { $0.append(change.to) } }
        )
        var changes = breaker.changes().makeAsyncIterator()
        breaker.forceOpen()
        await #expect(throws: CircuitOpen.self) { try await breaker.run {} }
        breaker.forceClosed()
        for _ in 0..<5 { await Self.fail(breaker) }
        breaker.release()
        await Self.fail(breaker)
        await Self.fail(breaker)
        let wanted: [CircuitBreaker.Position] = [.forcedOpen, .forcedClosed, .closed, .open]
        #expect(heard.withLock { $0 } == wanted)
        for position in wanted { #expect(await changes.next()?.to == position) }
    }

    @Test("a failure that says nothing about whom was called does not count")
    func permanentFailures() async throws {
        let breaker = try CircuitBreaker("pay", BreakerPolicy { $0.consecutiveFailures = 1 })
        await #expect(throws: TaskFailure.self) { try await breaker.run { throw TaskFailure.permanent("declined") } }
        #expect(breaker.position == .closed)
        await #expect(throws: TaskFailure.self) { try await breaker.run { throw TaskFailure("busy") } }
        #expect(breaker.position == .open)
    }

    @Test("many tasks that all fail leave it open, and it never lets a late success close it")
    func manyTasks() async throws {
        let breaker = try CircuitBreaker("pay", BreakerPolicy { $0.consecutiveFailures = 50 })
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<200 {
                group.addTask { _ = try? await breaker.run { throw Broken() } }
            }
        }
        #expect(breaker.position == .open)
    }

    @Test("a policy that cannot work is refused by name")
    func refused() {
        let error = #expect(throws: CanoError.self) { try CircuitBreaker("pay", BreakerPolicy { $0.probes = 0 }) }
        #expect(error?.message.contains("'pay'") ?? false)
    }
}
