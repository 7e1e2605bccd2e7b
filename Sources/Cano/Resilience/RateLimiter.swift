// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine
internal import Synchronization

/// Lets so many calls begin in a time, for use inside tasks; shared by all tasks of the process.
///
/// ```swift
/// let github = try RateLimiter(
///     "github",
///     .bucket("second", 10, per: .seconds(1)),
///     .window("hour", 5000, per: .seconds(3600))
/// )
/// try await github.acquire()
/// ```
///
/// All tiers hold at once: a call goes through when every one of them lets it, and only then counts in any. Whoever has
/// to wait waits in line, first come, first served. For a rate over all workers of a cluster, declare it:
/// `limits: [.rate("github", 5000, per: .seconds(3600))]`.
public final class RateLimiter: Sendable {
    /// One rate of a limiter.
    public struct Tier: Hashable, Sendable {
        enum Kind: Hashable, Sendable {
            case bucket(count: Int, per: Duration, capacity: Int?)
            case window(limit: Int, per: Duration)
        }

        let name: String
        let kind: Kind
        let weight: Int

        /// Tokens that come back evenly; some may be saved up.
        ///
        /// - Parameters:
        ///   - name: for errors.
        ///   - count: how many tokens come back in `per`.
        ///   - per: the time in which they come back.
        ///   - capacity: how many may be saved up (default: `count`).
        ///   - weight: by what the cost of a call is multiplied.
        /// - Returns: the tier.
        public static func bucket(
            _ name: String,
            _ count: Int,
            per: Duration,
            capacity: Int? = nil,
            weight: Int = 1
        ) -> Tier {
            Tier(name: name, kind: .bucket(count: count, per: per, capacity: capacity), weight: weight)
        }

        /// So many in any window of this length.
        ///
        /// - Parameters:
        ///   - name: for errors.
        ///   - limit: how many in one window.
        ///   - per: the length of the window.
        ///   - weight: by what the cost of a call is multiplied.
        /// - Returns: the tier.
        public static func window(
            _ name: String,
            _ limit: Int,
            per: Duration,
            weight: Int = 1
        ) -> Tier {
            Tier(name: name, kind: .window(limit: limit, per: per), weight: weight)
        }
    }

    /// What one tier has left.
    public struct Level: Hashable, Sendable {
        /// The tier's name.
        public let tier: String
        /// How much it would let through now.
        public let available: Int
        /// How long until it lets one more call through; zero when it does now, `nil` for never.
        public let availableIn: Duration?
    }

    /// Its name, for errors.
    public let name: String
    let clock: ResilienceClock
    private let tiers: Guarded<RateTiers>
    /// Whoever has to wait waits for its turn here, then alone for time to pass.
    private let turns: Bulkhead
    /// How many calls stand in line, or are about to: read without a lock by those who may go by.
    private let line = Atomic(0)
    /// Rings when something was given back while somebody waits.
    private let bell = Mailbox<Void>()
    let meters: LimiterMeters?

    /// A limiter that has seen nothing.
    ///
    /// - Parameters:
    ///   - name: for errors and metrics, of which it is a label.
    ///   - tiers: the rates that hold, in the order in which they are asked; without any, everything goes through.
    ///   - clock: by which it goes.
    ///   - telemetry: where its calls are counted (default: what the process was bootstrapped with by now).
    /// - Throws: `invalidInput` for a tier that lets nothing through.
    public init(
        _ name: String,
        _ tiers: Tier...,
        clock: ResilienceClock = .system,
        telemetry: Telemetry = .automatic
    ) throws(CanoError) {
        let now = clock.now()
        var made: [RateTiers.Tier] = []
        for tier in tiers {
            let meter: RateTiers.Meter
            switch tier.kind {
            case .bucket(let count, let per, let capacity):
                meter = .bucket(try TokenBucket(count, per: Span(per), capacity: capacity, at: now))
            case .window(let limit, let per):
                meter = .window(try SlidingWindow(limit, per: Span(per)))
            }
            made.append(RateTiers.Tier(tier.name, meter, weight: tier.weight))
        }
        self.name = name
        self.clock = clock
        self.tiers = Guarded(RateTiers(made))
        self.turns = try Bulkhead(name, permits: 1, telemetry: .off)
        self.meters = LimiterMeters(name, telemetry)
    }

    // MARK: Without waiting

    /// Counts a call if it may begin now and nobody waits.
    ///
    /// - Parameter cost: what the call counts for; 0 or less always goes through.
    /// - Throws: ``RateLimited`` with the tier that is in the way, having counted nothing.
    public func take(_ cost: Int = 1) throws(RateLimited) {
        _ = try self.ask(cost)
        self.meters?.acquired(cost)
    }

    /// Counts a call in the tiers; a refusal is counted in the metrics, too.
    private func ask(_ cost: Int) throws(RateLimited) -> Instant {
        guard let meters = self.meters else { return try self.askTiers(cost) }
        do throws(RateLimited) { return try self.askTiers(cost) } catch {
            meters.refused(by: error.tier)
            throw error
        }
    }

    /// Counts a call in the tiers, and not in the metrics.
    ///
    /// - Returns: when it was counted: windows take back only what they counted then.
    func askTiers(_ cost: Int) throws(RateLimited) -> Instant {
        if cost > 0, self.line.load(ordering: .acquiring) > 0 { throw self.refusal(cost, at: self.clock.now()) }
        let (answer, now) = self.takeNow(cost)
        guard case .refused(let tier, let until) = answer else { return now }
        throw self.refusal(tier, until, at: now)
    }

    private func takeNow(_ cost: Int) -> (answer: RateTiers.Answer, now: Instant) {
        self.tiers.withLock { tiers in
            // Read in here, so that calls are counted in the order of their times.
            let now = self.clock.now()
            return (tiers.take(cost, at: now), now)
        }
    }

    /// Counts a call if it may begin now; false when not.
    ///
    /// - Parameter cost: what the call counts for.
    /// - Returns: whether it may.
    public func tryAcquire(_ cost: Int = 1) -> Bool {
        do throws(RateLimited) { try self.take(cost) } catch { return false }
        return true
    }

    /// Counts a call that may not happen after all.
    ///
    /// - Parameter cost: what the call counts for.
    /// - Returns: a reservation; it is given back unless it is committed.
    /// - Throws: ``RateLimited``.
    public func reserve(_ cost: Int = 1) throws(RateLimited) -> Reservation {
        Reservation(limiter: self, cost: cost, takenAt: try self.ask(cost))
    }

    /// A call that was counted and may not happen after all; dropping it gives the count back.
    public struct Reservation: ~Copyable, Sendable {
        private let limiter: RateLimiter
        private let cost: Int
        private let takenAt: Instant
        private var isCommitted = false

        fileprivate init(limiter: RateLimiter, cost: Int, takenAt: Instant) {
            self.limiter = limiter
            self.cost = cost
            self.takenAt = takenAt
        }

        deinit {
            if !self.isCommitted { self.limiter.refund(self.cost, takenAt: self.takenAt) }
        }

        /// The call happened: it stays counted.
        public consuming func commit() {
            self.isCommitted = true
            self.limiter.meters?.acquired(self.cost)
        }
    }

    // MARK: Waiting

    /// Waits until a call may begin, and counts it.
    ///
    /// - Parameter cost: what the call counts for.
    /// - Throws: ``RateLimited`` when the cost is more than a tier ever lets through, `CancellationError` when the task
    ///   is cancelled meanwhile; in both cases nothing was counted.
    public func acquire(_ cost: Int = 1) async throws {
        var obstacle: Int?
        if self.line.load(ordering: .acquiring) == 0 || cost <= 0 {
            switch self.takeNow(cost).answer {
            case .taken:
                self.meters?.acquired(cost)
                return
            case .refused(let tier, _): obstacle = tier
            }
        }
        let since = self.beginsToWait(cost, behind: obstacle)
        self.line.add(1, ordering: .acquiringAndReleasing)
        defer { self.line.subtract(1, ordering: .acquiringAndReleasing) }
        try await self.turns.run {
            while true {
                _ = self.bell.take(atMost: .max)
                let (answer, now) = self.takeNow(cost)
                switch answer {
                case .taken:
                    if let since { self.meters?.waited(.microseconds(now.microseconds - since.microseconds)) }
                    self.meters?.acquired(cost)
                    return
                case .refused(let tier, nil):
                    let refusal = self.refusal(tier, nil, at: now)
                    self.meters?.refused(by: refusal.tier)
                    throw refusal
                case .refused(_, .some(let until)): try await self.sleep(until: until)
                }
            }
        }
    }

    /// Since when a call waits that cannot begin at once; `nil` when nobody counts, or when it never may begin.
    ///
    /// It waits for the tier that was in the way first, or with others in line for the slowest one.
    private func beginsToWait(_ cost: Int, behind tier: Int?) -> Instant? {
        guard let meters = self.meters else { return nil }
        let now = self.clock.now()
        let slowest = self.refusal(cost, at: now)
        guard slowest.retryAfter != nil else { return nil }
        meters.waits(for: tier.map { self.refusal($0, nil, at: now).tier } ?? slowest.tier)
        return now
    }

    /// Sleeps until this time, or until something is given back.
    private func sleep(until instant: Instant) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.clock.sleep(until: instant) }
            group.addTask { _ = await self.bell.next() }
            _ = try await group.next()
            group.cancelAll()
        }
        try Task.checkCancellation()
    }

    // MARK: Looking

    /// How long until a call of this cost may begin, if nobody else comes; zero when it may now, `nil` for never.
    ///
    /// - Parameter cost: what the call counts for.
    /// - Returns: the time.
    public func delay(for cost: Int = 1) -> Duration? {
        let now = self.clock.now()
        let ready = self.tiers.withLock { $0.ready(for: cost, at: now) }
        return ready.map { .microseconds(max(0, $0.microseconds - now.microseconds)) }
    }

    /// What every tier has left.
    public var levels: [Level] {
        let now = self.clock.now()
        return self.tiers.withLock { tiers in
            tiers.tiers.map { tier in
                let ready = tier.ready(for: 1, at: now)
                let wait = ready.map { Duration.microseconds(max(0, $0.microseconds - now.microseconds)) }
                return Level(tier: tier.name, available: tier.available(at: now), availableIn: wait)
            }
        }
    }

    /// How many calls wait in line.
    public var waiting: Int {
        self.line.load(ordering: .acquiring)
    }

    func refund(_ cost: Int, takenAt time: Instant) {
        self.tiers.withLock { $0.refund(cost, takenAt: time) }
        if self.line.load(ordering: .acquiring) > 0 { self.bell.post(()) }
    }

    /// The refusal of a call that would overtake others who wait.
    private func refusal(_ cost: Int, at now: Instant) -> RateLimited {
        let (name, until) = self.tiers.withLock { tiers -> (String, Instant?) in
            let slowest = tiers.tiers.max { left, right in
                (left.ready(for: cost, at: now) ?? .far) < (right.ready(for: cost, at: now) ?? .far)
            }
            return (slowest?.name ?? "line", tiers.ready(for: cost, at: now))
        }
        return RateLimited(limiter: self.name, tier: name, retryAfter: until.map { Self.wait($0, now) })
    }

    private func refusal(_ tier: Int, _ until: Instant?, at now: Instant) -> RateLimited {
        let name = self.tiers.withLock { $0.tiers[tier].name }
        return RateLimited(limiter: self.name, tier: name, retryAfter: until.map { Self.wait($0, now) })
    }

    private static func wait(_ until: Instant, _ now: Instant) -> Duration {
        .microseconds(max(1, until.microseconds - now.microseconds))
    }
}

extension Instant {
    fileprivate static let far = Instant(microseconds: .max)
}
