// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CoreMetrics
import MetricsTestKit
import Testing

@Suite("Metrics of breakers, limiters and bulkheads", .timeLimit(.minutes(3)))
struct ResilienceMetricsTests {
    private struct Broken: Error {}

    let factory = TestMetrics()
    private var telemetry: Telemetry { Telemetry(metrics: self.factory, tracer: nil) }

    // MARK: Breakers

    @Test("F-MET-17, F-MET-19 to F-MET-21: calls of a breaker are counted by how they ended, and its changes")
    func breaker() async throws {
        var policy = BreakerPolicy()
        policy.consecutiveFailures = 2
        policy.openTime = Span(milliseconds: 1)
        let breaker = try CircuitBreaker("api", policy, telemetry: self.telemetry)
        try await breaker.run {}
        try? await breaker.run { throw CancellationError() }
        try? await breaker.run { throw TaskFailure.permanent("not its fault") }
        for _ in 0..<2 { try? await breaker.run { throw Broken() } }
        #expect(try self.factory.count(.breakerCalls, "api", "succeeded") == 1)
        #expect(try self.factory.count(.breakerCalls, "api", "ignored") == 2)
        #expect(try self.factory.count(.breakerCalls, "api", "failed") == 2)
        #expect(try self.factory.count(.breakerChanges, "api", "closed", "open") == 1)
        // The first call that is let through after a while probes, and closes it.
        var refused: Int64 = 0
        while true {
            do throws(CircuitOpen) {
                try breaker.acquire().succeed()
                break
            } catch { refused += 1 }
        }
        #expect(try self.factory.count(.breakerCalls, "api", "refused") == refused)
        #expect(try self.factory.count(.breakerCalls, "api", "succeeded") == 2)
        #expect(try self.factory.count(.breakerChanges, "api", "open", "halfOpen") == 1)
        #expect(try self.factory.count(.breakerChanges, "api", "halfOpen", "closed") == 1)
    }

    @Test("a breaker that is forced counts its changes, too, and the calls that it refuses")
    func forced() throws {
        let breaker = try CircuitBreaker("api", telemetry: self.telemetry)
        breaker.forceOpen()
        breaker.forceOpen()
        #expect(throws: CircuitOpen.self) { try breaker.acquire().succeed() }
        breaker.release()
        #expect(try self.factory.count(.breakerChanges, "api", "closed", "forcedOpen") == 1)
        #expect(try self.factory.count(.breakerChanges, "api", "forcedOpen", "closed") == 1)
        #expect(try self.factory.count(.breakerCalls, "api", "refused") == 1)
    }

    // MARK: Limiters

    @Test("F-MET-33, F-MET-34, F-MET-36, F-MET-37: calls, tokens and refusals by tier; no wait where nothing waited")
    func limiter() async throws {
        let limiter = try RateLimiter(
            "api",
            .bucket("hour", 10, per: .seconds(3600), weight: 2),
            .window("day", 4, per: .seconds(86_400)),
            telemetry: self.telemetry
        )
        try await limiter.acquire(2)
        try limiter.take()
        try limiter.take(0)
        #expect(limiter.tryAcquire(6) == false)
        #expect(limiter.tryAcquire(2) == false)
        // A reservation counts when it is used.
        try { _ = try limiter.reserve() }()
        #expect(try self.factory.count(.limiterAcquired, "api") == 3)
        try limiter.reserve().commit()
        #expect(try self.factory.count(.limiterAcquired, "api") == 4)
        #expect(try self.factory.count(.limiterTokens, "api") == 4)
        #expect(try self.factory.count(.limiterThrottled, "api", "hour", "refused") == 1)
        #expect(try self.factory.count(.limiterThrottled, "api", "day", "refused") == 1)
        await #expect(throws: RateLimited.self) { try await limiter.acquire(100) }
        #expect(try self.factory.count(.limiterThrottled, "api", "hour", "refused") == 2)
        #expect(try self.factory.times(.limiterWait, "api").isEmpty)
    }

    @Test("F-MET-34, F-MET-35: a call that waits is throttled as it begins to wait; how long is told when it goes on")
    func waiting() async throws {
        let limiter = try RateLimiter("api", .bucket("hour", 1, per: .seconds(3600)), telemetry: self.telemetry)
        try await withThrowingTaskGroup(of: Void.self) { group in
            let held = try limiter.reserve()
            group.addTask { try await limiter.acquire() }
            while limiter.waiting == 0 { await Task.yield() }
            #expect(try self.factory.count(.limiterThrottled, "api", "hour", "waited") == 1)
            #expect(try self.factory.times(.limiterWait, "api").isEmpty)
            Self.drop(held)
            try await group.waitForAll()
        }
        let waits = try self.factory.times(.limiterWait, "api")
        #expect(waits.count == 1)
        #expect(waits.allSatisfy { $0 > 0 })
        #expect(try self.factory.count(.limiterAcquired, "api") == 1)
        // Who leaves has waited for nothing.
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await #expect(throws: CancellationError.self) { try await limiter.acquire() } }
            while limiter.waiting == 0 { await Task.yield() }
            group.cancelAll()
        }
        #expect(try self.factory.count(.limiterThrottled, "api", "hour", "waited") == 2)
        #expect(try self.factory.times(.limiterWait, "api").count == 1)
        #expect(try self.factory.count(.limiterAcquired, "api") == 1)
    }

    @Test("of limiters that are asked together, the one in the way counts a refusal, and none what was given back")
    func several() async throws {
        let wide = try RateLimiter("wide", .bucket("hour", 10, per: .seconds(3600)), telemetry: self.telemetry)
        let narrow = try RateLimiter("narrow", .bucket("tick", 1, per: .milliseconds(50)), telemetry: self.telemetry)
        try RateLimiter.take(from: wide, narrow)
        // More than it ever lets through, so that no clock can help.
        #expect(throws: RateLimited.self) { try RateLimiter.take(2, from: wide, narrow) }
        await #expect(throws: RateLimited.self) { try await RateLimiter.acquire(2, from: wide, narrow) }
        #expect(try self.factory.count(.limiterAcquired, "wide") == 1)
        #expect(try self.factory.count(.limiterThrottled, "narrow", "tick", "refused") == 2)
        // So many at once that some wait.
        for _ in 0..<4 { try await RateLimiter.acquire(from: wide, narrow) }
        let waited = try self.factory.count(.limiterThrottled, "narrow", "tick", "waited")
        #expect(waited > 0)
        #expect(try self.factory.times(.limiterWait, "narrow").count == Int(waited))
        #expect(try self.factory.count(.limiterAcquired, "wide") == 5)
        #expect(try self.factory.count(.limiterAcquired, "narrow") == 5)
        #expect(!self.factory.counters.contains { $0.label.hasSuffix("throttled_total") && $0.names("wide") })
    }

    @Test("a call waits for the tier that is in the way first, and behind others for the slowest")
    func waitedFor() async throws {
        let limiter = try RateLimiter(
            "api",
            .window("minute", 1, per: .seconds(60)),
            .window("hour", 1, per: .seconds(3600)),
            telemetry: self.telemetry
        )
        try limiter.take()
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<2 {
                group.addTask { await #expect(throws: CancellationError.self) { try await limiter.acquire() } }
                while limiter.waiting <= number { await Task.yield() }
            }
            group.cancelAll()
        }
        #expect(try self.factory.count(.limiterThrottled, "api", "minute", "waited") == 1)
        #expect(try self.factory.count(.limiterThrottled, "api", "hour", "waited") == 1)
    }

    /// Gives a reservation back.
    private static func drop(_ reservation: consuming RateLimiter.Reservation) {}

    // MARK: Bulkheads

    @Test("permits of a bulkhead come back to zero, who waited and who found the line full is counted")
    func bulkhead() async throws {
        let bulkhead = try Bulkhead("db", permits: 1, queue: 1, telemetry: self.telemetry)
        try await withThrowingTaskGroup(of: Void.self) { group in
            let permit = try await bulkhead.acquire()
            group.addTask { try await bulkhead.run {} }
            while bulkhead.waiting == 0 { await Task.yield() }
            await #expect(throws: BulkheadFull.self) { try await bulkhead.run {} }
            if let another = bulkhead.tryAcquire() { another.giveBack() }
            permit.giveBack()
            try await group.waitForAll()
        }
        bulkhead.tryAcquire()?.giveBack()
        let levels = try self.factory.levels(.bulkheadPermits, "db")
        #expect(levels.last == 0)
        #expect(levels.contains(1))
        #expect(try self.factory.count(.bulkheadRefused, "db") == 2)
        #expect(try self.factory.times(.bulkheadWait, "db").count == 1)
    }

    @Test("without a backend of swift-metrics, and with telemetry off, nothing is measured")
    func off() async throws {
        let limiter = try RateLimiter("api", .bucket("hour", 1, per: .seconds(3600)), telemetry: .off)
        try limiter.take()
        #expect(limiter.tryAcquire() == false)
        try await CircuitBreaker("api", telemetry: .off).run {}
        try await Bulkhead("api", permits: 1, telemetry: .off).run {}
        #expect(self.factory.counters.isEmpty)
        // The line of a limiter is no bulkhead that anybody made.
        _ = try RateLimiter("other", .bucket("hour", 1, per: .seconds(3600)), telemetry: self.telemetry)
        #expect(self.factory.meters.isEmpty)
    }
}

extension TestCounter {
    /// Whether one of its labels has this value.
    fileprivate func names(_ value: String) -> Bool { self.dimensions.contains { $0.1 == value } }
}
