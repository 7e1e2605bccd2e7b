// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import Testing

@Suite("Rate limiter")
struct RateLimiterTests {
    let clock = ManualClock()

    private func limiter(_ name: String = "api", _ tiers: RateLimiter.Tier...) throws -> RateLimiter {
        switch tiers.count {
        case 0: try RateLimiter(name, .bucket("second", 2, per: .seconds(1)), clock: ResilienceClock(self.clock))
        case 1: try RateLimiter(name, tiers[0], clock: ResilienceClock(self.clock))
        default: try RateLimiter(name, tiers[0], tiers[1], clock: ResilienceClock(self.clock))
        }
    }

    @Test("lets through what it has, then says which tier is in the way and for how long")
    func take() throws {
        let limiter = try self.limiter()
        try limiter.take(2)
        let error = #expect(throws: RateLimited.self) { try limiter.take() }
        #expect(error == RateLimited(limiter: "api", tier: "second", retryAfter: .milliseconds(500)))
        #expect(limiter.tryAcquire() == false)
        #expect(limiter.delay(for: 2) == .seconds(1))
        #expect(limiter.delay(for: 3) == nil)
        self.clock.advance(by: .seconds(1))
        #expect(limiter.tryAcquire(2) == true)
        #expect(limiter.levels.map(\.available) == [0])
    }

    @Test("whoever waits is served in the order in which they came, also behind a large cost")
    func fifo() async throws {
        let limiter = try self.limiter("api", .bucket("second", 1, per: .seconds(1), capacity: 3))
        try limiter.take(3)
        let served = Guarded<[Int]>([])
        await withThrowingTaskGroup(of: Void.self) { group in
            for (number, cost) in [(0, 3), (1, 1), (2, 1)] {
                group.addTask {
                    try await limiter.acquire(cost)
                    served.withLock { $0.append(number) }
                }
                while limiter.waiting <= number { await Task.yield() }
            }
            for step in 1...5 {
                await self.clock.whenSleeping()
                // Nobody overtakes those who wait, even when there are tokens.
                if step < 5 { #expect(limiter.tryAcquire() == false) }
                let before = served.withLock { $0.count }
                self.clock.advance(by: .seconds(1))
                if step >= 3 { while served.withLock({ $0.count }) == before { await Task.yield() } }
            }
        }
        #expect(served.withLock { $0 } == [0, 1, 2])
    }

    @Test("a task that is cancelled while it waits leaves the line and has counted nothing")
    func cancelled() async throws {
        let limiter = try self.limiter()
        try limiter.take(2)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await #expect(throws: CancellationError.self) { try await limiter.acquire(2) } }
            await self.clock.whenSleeping()
            group.cancelAll()
            try await group.waitForAll()
        }
        #expect(limiter.waiting == 0)
        self.clock.advance(by: .seconds(1))
        #expect(limiter.tryAcquire(2) == true)
    }

    @Test("the next in line goes on when the first one is cancelled")
    func nextInLine() async throws {
        let limiter = try self.limiter()
        try limiter.take(2)
        let cancel = Mailbox<Void>()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await withThrowingTaskGroup(of: Void.self) { inner in
                    inner.addTask { try await limiter.acquire(2) }
                    _ = await cancel.next()
                    inner.cancelAll()
                }
            }
            await self.clock.whenSleeping()
            group.addTask { try await limiter.acquire(1) }
            while limiter.waiting < 2 { await Task.yield() }
            cancel.post(())
            while limiter.waiting > 1 { await Task.yield() }
            await self.clock.whenSleeping()
            self.clock.advance(by: .milliseconds(500))
            try await group.waitForAll()
        }
        #expect(limiter.levels.map(\.available) == [0])
    }

    @Test("a cost that never fits is refused instead of waiting for ever")
    func neverFits() async throws {
        let limiter = try self.limiter()
        let error = await #expect(throws: RateLimited.self) { try await limiter.acquire(3) }
        #expect(error?.retryAfter == nil)
        try await limiter.acquire(0)
    }

    @Test("a reservation gives its count back unless it is committed, and wakes who waits for it")
    func reservations() async throws {
        let limiter = try self.limiter("day", .window("day", 2, per: .seconds(86_400)))
        do { try limiter.reserve(1).commit() }
        #expect(limiter.levels.map(\.available) == [1])
        try await withThrowingTaskGroup(of: Void.self) { group in
            let reservation = try limiter.reserve(1)
            group.addTask { try await limiter.acquire() }
            await self.clock.whenSleeping()
            _ = consume reservation
            try await group.waitForAll()
        }
        #expect(limiter.levels.map(\.available) == [0])
    }

    @Test("all tiers hold at once; a refusal by one is not counted by the others")
    func tiers() throws {
        let limiter = try self.limiter(
            "api",
            .bucket("second", 10, per: .seconds(1)),
            .window("hour", 3, per: .seconds(3600), weight: 2)
        )
        try limiter.take()
        let error = #expect(throws: RateLimited.self) { try limiter.take() }
        #expect(error?.tier == "hour")
        #expect(limiter.levels.map(\.available) == [9, 1])
    }

    @Test("several limiters let a call through together, or none of them counts it")
    func several() async throws {
        let wide = try self.limiter("global", .bucket("second", 10, per: .seconds(1)))
        let narrow = try self.limiter("tenant", .bucket("second", 1, per: .seconds(1)))
        try RateLimiter.take(from: wide, narrow)
        let error = #expect(throws: RateLimited.self) { try RateLimiter.take(from: wide, narrow) }
        #expect(error?.limiter == "tenant")
        #expect(wide.levels.map(\.available) == [9])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await RateLimiter.acquire(from: wide, narrow) }
            await self.clock.whenSleeping()
            self.clock.advance(by: .seconds(1))
            try await group.waitForAll()
        }
        #expect(narrow.levels.map(\.available) == [0])
    }

    @Test("racing tasks never get more than the scarcest tier has")
    func race() async throws {
        let limiter = try self.limiter(
            "api",
            .bucket("second", 100, per: .seconds(1)),
            .window("hour", 7, per: .seconds(3600))
        )
        let through = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<100 { group.addTask { limiter.tryAcquire() } }
            var count = 0
            for await isThrough in group where isThrough { count += 1 }
            return count
        }
        #expect(through == 7)
        #expect(limiter.levels.map(\.available) == [93, 0])
    }

    @Test("what is given back leaves a window again although the clock has moved on since")
    func refundLater() throws {
        let clock = ResilienceClock(TickingClock())
        let window = try RateLimiter("window", .window("day", 3, per: .seconds(86_400)), clock: clock)
        let narrow = try RateLimiter("narrow", .window("day", 1, per: .seconds(86_400)), clock: clock)
        try narrow.take()
        for _ in 0..<5 {
            try { _ = try window.reserve() }()
            #expect(throws: RateLimited.self) { try RateLimiter.take(from: window, narrow) }
        }
        #expect(window.levels.map(\.available) == [3])
        try window.take(3)
    }
}

/// A clock that moves with every look at it.
private final class TickingClock: Clock {
    private let ticks = Guarded(0)

    var now: ManualClock.Instant {
        let ticks = self.ticks.withLock { ticks in
            ticks += 1
            return ticks
        }
        return ManualClock.Instant(offset: .microseconds(ticks))
    }
    var minimumResolution: Duration { .microseconds(1) }

    func sleep(until deadline: ManualClock.Instant, tolerance: Duration?) async throws {
        while self.now < deadline { try Task.checkCancellation() }
    }
}
