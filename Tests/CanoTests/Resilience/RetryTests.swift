// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import Testing

@Suite("Retry inside a task")
struct RetryTests {
    struct Broken: Error, Equatable { var number = 0 }

    /// Calls that fail so often, under a clock that moves whenever somebody sleeps.
    private func calls(
        _ policy: RetryPolicy,
        failing: Int,
        with error: @escaping @Sendable (Int) -> any Error = { Broken(number: $0) }
    ) async throws -> (calls: Int, slept: Duration, error: (any Error)?) {
        let clock = ManualClock()
        let calls = Guarded(0)
        return try await withThrowingTaskGroup(of: (any Error)?.self) { group in
            group.addTask {
                do {
                    try await retry(policy, clock: ResilienceClock(clock)) {
                        let number = calls.withLock { calls -> Int in
                            calls += 1
                            return calls
                        }
                        if number <= failing { throw error(number) }
                    }
                } catch { return error }
                return nil
            }
            group.addTask {
                while !Task.isCancelled {
                    clock.advance(by: .milliseconds(10))
                    await Task.yield()
                }
                return nil
            }
            let end = try await group.next() ?? nil
            group.cancelAll()
            return (calls.withLock { $0 }, clock.now.offset, end)
        }
    }

    @Test("calls again until it works, or throws the last error")
    func counts() async throws {
        let policy = RetryPolicy.fixed(attempts: 3, every: .milliseconds(50))
        #expect(try await self.calls(policy, failing: 0).calls == 1)
        let twice = try await self.calls(policy, failing: 2)
        #expect(twice.calls == 3 && twice.error == nil && twice.slept >= .milliseconds(100))
        let always = try await self.calls(policy, failing: 9)
        #expect(always.calls == 3 && always.error as? Broken == Broken(number: 3))
        #expect(try await self.calls(.never, failing: 9).calls == 1)
    }

    @Test("what cannot be mended, is cancelled or finds a breaker open ends it at once")
    func final() async throws {
        let policy = RetryPolicy.fixed(attempts: 5, every: .zero)
        let errors: [any Error] = [
            CancellationError(), TaskFailure.permanent("no"), CircuitOpen(breaker: "b", retryAfter: .zero),
            RateLimited(limiter: "l", tier: "t", retryAfter: nil),
        ]
        for error in errors {
            #expect(try await self.calls(policy, failing: 9, with: { _ in error }).calls == 1, "\(error)")
        }
        let declined = try await retryCount(policy) { _ in false }
        #expect(declined == 1)
    }

    private func retryCount(_ policy: RetryPolicy, _ isRetryable: (any Error) -> Bool) async throws -> Int {
        var count = 0
        do {
            try await retry(policy, isRetryable: isRetryable) {
                count += 1
                throw Broken()
            }
        } catch {}
        return count
    }

    @Test("an error that says when trying again makes sense replaces the pause; listeners hear of it")
    func retryAfter() async throws {
        let policy = RetryPolicy.fixed(attempts: 2, every: .seconds(3600))
        var heard: [(Int, Duration)] = []
        var isFirst = true
        let value = try await retry(policy, onRetry: { number, _, pause in heard.append((number, pause)) }) {
            defer { isFirst = false }
            if isFirst { throw TaskFailure("busy", retryAfter: .milliseconds(1)) }
            return 7
        }
        #expect(value == 7)
        #expect(heard.map(\.0) == [1] && heard.map(\.1) == [.milliseconds(1)])
    }

    @Test("a task that is cancelled during a pause stops")
    func cancelled() async throws {
        let clock = ManualClock()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await #expect(throws: CancellationError.self) {
                    try await retry(.fixed(attempts: 9, every: .seconds(60)), clock: ResilienceClock(clock)) {
                        throw Broken()
                    }
                }
            }
            await clock.whenSleeping()
            group.cancelAll()
        }
    }
}
