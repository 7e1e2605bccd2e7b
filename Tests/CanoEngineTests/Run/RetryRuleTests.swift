// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@Suite("When work is tried again, and how long it may take")
struct RetryRuleTests {
    private static func fixture(_ adjust: (inout TaskDefinition) -> Void) throws -> RunFixture {
        var task = RunFixture.task(attempts: 5)
        adjust(&task)
        return try RunFixture([StateDefinition(name: "a", step: .task(run: task, to: ["done"]))])
    }

    private static func failure(_ code: String) -> AttemptReport.Result {
        .failed(Failure(code: code, message: "no"), retryAfter: nil)
    }

    private static func code(_ fixture: RunFixture) -> String? {
        if case .finished(.failed(let failure)) = fixture.run.phase { failure.code } else { nil }
    }

    @Test("the policy of the last failure's code decides")
    func overrides() throws {
        var fixture = try Self.fixture {
            $0.retry.overrides = [
                "busy": RetryPolicy {
                    $0.maximumAttempts = 2
                    ($0.initialDelay, $0.jitter) = (.seconds(7), 0)
                },
                "refused": .never,
            ]
        }
        try fixture.accept(try fixture.lease(.step), Self.failure("busy"))
        #expect(fixture.rows.last?.due == fixture.now.advanced(by: .seconds(7)))
        fixture.pass(7_000)
        fixture.tell { run, now in run.wake(.step, at: now) }
        try fixture.accept(try fixture.lease(.step), Self.failure("other"))
        #expect(Self.code(fixture) == nil)
        fixture.pass(60_000)
        fixture.tell { run, now in run.wake(.step, at: now) }
        try fixture.accept(try fixture.lease(.step), Self.failure("refused"))
        #expect(Self.code(fixture) == "refused")
    }

    @Test("no attempt begins later than the retry time after the first one, under any owner")
    func elapsed() throws {
        var fixture = try Self.fixture {
            $0.retry.maximumElapsed = .seconds(10)
            ($0.retry.initialDelay, $0.retry.multiplier) = (.seconds(4), 1)
        }
        for attempt in 1...2 {
            fixture.pass(attempt == 1 ? 0 : 4_000)
            fixture.tell { run, now in run.wake(.step, at: now) }
            try fixture.accept(try fixture.lease(.step), Self.failure("busy"))
            #expect(Self.code(fixture) == nil, "attempt \(attempt)")
            try fixture.changeOwner()
        }
        fixture.pass(4_000)
        fixture.tell { run, now in run.wake(.step, at: now) }
        try fixture.accept(try fixture.lease(.step), Self.failure("busy"))
        #expect(Self.code(fixture) == "busy")
    }

    @Test("work that no worker begins in time has failed", arguments: [false, true])
    func startWithin(again: Bool) throws {
        var fixture = try Self.fixture { $0.startWithin = .seconds(5) }
        if again {
            fixture.pass(4_000)
            try fixture.accept(try fixture.lease(.step), Self.failure("busy"))
            fixture.pass(60_000)
            fixture.tell { run, now in run.wake(.step, at: now) }
            // The pause ended long ago: the time to start runs from its end.
            let due = try #require(fixture.rows.last?.due)
            fixture.now = due
        }
        #expect(fixture.run.wakes.contains(.wake(at: fixture.now.advanced(by: .seconds(5)), .step)))
        fixture.pass(4_999)
        fixture.tell { run, now in run.wake(.step, at: now) }
        #expect(Self.code(fixture) == nil)
        try fixture.changeOwner()
        fixture.pass(1)
        fixture.tell { run, now in run.wake(.step, at: now) }
        if again { fixture.tell { run, now in run.wake(.step, at: now) } }
        #expect(Self.code(fixture) == "notStarted")
    }

    @Test("work that was begun in time may take longer")
    func started() throws {
        var fixture = try Self.fixture { $0.startWithin = .seconds(5) }
        _ = try fixture.lease(.step)
        fixture.pass(60_000)
        fixture.tell { run, now in run.wake(.step, at: now) }
        #expect(Self.code(fixture) == nil)
    }

    @Test("a missed heartbeat counts as a failed attempt, by its own code")
    func heartbeat() throws {
        var fixture = try Self.fixture { $0.retry = .never }
        let failure = try #require(LossReason.heartbeatMissed.failure)
        try fixture.accept(try fixture.lease(.step), .stopped(failure))
        #expect(Self.code(fixture) == "heartbeatMissed")
        #expect(fixture.rows.contains { $0.reason == "heartbeatMissed" && $0.kind == .attemptLost })
    }
}
