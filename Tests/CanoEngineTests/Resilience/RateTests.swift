// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@Suite("Rates")
struct RateTests {
    static func at(_ milliseconds: Int64) -> Instant { Instant(microseconds: milliseconds * 1000) }

    // MARK: Token bucket

    @Test("a bucket starts full, gives what it has, and fills at its rate up to its capacity")
    func bucket() throws {
        var bucket = try TokenBucket(10, per: .seconds(1), capacity: 5, at: Self.at(0))
        #expect(bucket.available(at: Self.at(0)) == 5)
        #expect(bucket.take(5, at: Self.at(0)) == true)
        #expect(bucket.take(at: Self.at(99)) == false)
        #expect(bucket.ready(for: 1, at: Self.at(99)) == Self.at(100))
        #expect(bucket.take(at: Self.at(100)) == true)
        #expect(bucket.available(at: Self.at(60_000)) == 5)
    }

    @Test("a cost of nothing is always granted, one above the capacity never, and neither takes anything")
    func costs() throws {
        var bucket = try TokenBucket(2, per: .seconds(1), at: Self.at(0))
        #expect(bucket.take(0, at: Self.at(0)) == true)
        #expect(bucket.take(-3, at: Self.at(0)) == true)
        #expect(bucket.take(3, at: Self.at(0)) == false)
        #expect(bucket.take(.max, at: Self.at(0)) == false)
        #expect(bucket.ready(for: 3, at: Self.at(0)) == nil)
        #expect(bucket.take(2, at: Self.at(0)) == true)
        #expect(bucket.take(1, at: Self.at(0)) == false)
    }

    @Test("parts of tokens add up without rounding, however often one looks")
    func fractions() throws {
        var bucket = try TokenBucket(3, per: .seconds(7), at: Self.at(0))
        #expect(bucket.take(3, at: Self.at(0)) == true)
        for millisecond in Int64(1)..<7000 {
            #expect(bucket.take(3, at: Self.at(millisecond)) == false, "at \(millisecond) ms")
        }
        #expect(bucket.take(3, at: Self.at(7000)) == true)
    }

    @Test("a refund never goes above the capacity")
    func refund() throws {
        var bucket = try TokenBucket(4, per: .seconds(1), at: Self.at(0))
        #expect(bucket.take(2, at: Self.at(0)) == true)
        bucket.refund(1)
        #expect(bucket.available(at: Self.at(0)) == 3)
        bucket.refund(.max)
        bucket.refund(-1)
        #expect(bucket.available(at: Self.at(0)) == 4)
    }

    @Test("a clock that goes back gives nothing away, and the bucket goes on filling from there")
    func bucketClock() throws {
        var bucket = try TokenBucket(1, per: .seconds(1), at: Self.at(10_000))
        #expect(bucket.take(at: Self.at(10_000)) == true)
        #expect(bucket.take(at: Self.at(0)) == false)
        #expect(bucket.take(at: Self.at(999)) == false)
        #expect(bucket.take(at: Self.at(1000)) == true)
        #expect(bucket.available(at: Instant(microseconds: .max)) == 1)
        #expect(bucket.available(at: Instant(microseconds: .min)) == 0)
    }

    @Test("rates that let nothing through, or do not fit a number, are refused by name")
    func refused() {
        #expect(throws: CanoError.self) { try TokenBucket(0, per: .seconds(1), at: Self.at(0)) }
        #expect(throws: CanoError.self) { try TokenBucket(1, per: Span(milliseconds: 0), at: Self.at(0)) }
        #expect(throws: CanoError.self) { try TokenBucket(1, per: .seconds(1), capacity: 0, at: Self.at(0)) }
        #expect(throws: CanoError.self) { try TokenBucket(1, per: .seconds(.max), at: Self.at(0)) }
        #expect(throws: CanoError.self) { try TokenBucket(1, per: .seconds(60), capacity: .max, at: Self.at(0)) }
        #expect(throws: CanoError.self) { try SlidingWindow(0, per: .seconds(1)) }
        #expect(throws: CanoError.self) { try SlidingWindow(1, per: Span(milliseconds: 0)) }
    }

    @Test("a bucket never gives more than its capacity and its rate allow", arguments: UInt64(0)..<50)
    func bucketStory(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var bucket = try TokenBucket(20, per: .seconds(1), capacity: 10, at: Self.at(0))
        var now: Int64 = 0
        var given = 0
        for _ in 0..<500 {
            now += Int64.random(in: 0...100, using: &random)
            let cost = Int.random(in: 0...4, using: &random)
            if bucket.take(cost, at: Self.at(now)) { given += cost }
            #expect(given <= 10 + Int(now) * 20 / 1000, "seed \(seed)")
        }
    }

    // MARK: Window

    @Test("a window lets through what fits, and again when that has left it")
    func window() throws {
        var window = try SlidingWindow(2, per: .seconds(1))
        #expect(window.take(at: Self.at(0)) == true)
        #expect(window.take(at: Self.at(400)) == true)
        #expect(window.take(at: Self.at(999)) == false)
        #expect(window.ready(for: 1, at: Self.at(999)) == Self.at(1000))
        #expect(window.ready(for: 2, at: Self.at(999)) == Self.at(1400))
        #expect(window.ready(for: 3, at: Self.at(999)) == nil)
        #expect(window.take(at: Self.at(1000)) == true)
        #expect(window.used(at: Self.at(1000)) == 2)
        #expect(window.used(at: Self.at(5000)) == 0)
    }

    @Test("a refund counts only while what it is for is in the window")
    func windowRefund() throws {
        var window = try SlidingWindow(3, per: .seconds(1))
        #expect(window.take(3, at: Self.at(0)) == true)
        window.refund(1, takenAt: Self.at(0))
        #expect(window.take(at: Self.at(1)) == true)
        #expect(window.take(at: Self.at(1500)) == true)
        window.refund(2, takenAt: Self.at(0))
        window.refund(5, takenAt: Self.at(700))
        #expect(window.used(at: Self.at(1500)) == 1)
    }

    @Test("a clock that goes back holds things for one window at most")
    func windowClock() throws {
        var window = try SlidingWindow(1, per: .seconds(1))
        #expect(window.take(at: Self.at(3_600_000)) == true)
        #expect(window.take(at: Self.at(0)) == false)
        #expect(window.take(at: Self.at(999)) == false)
        #expect(window.take(at: Self.at(1000)) == true)
    }

    @Test("no window ever holds more than the limit, large or small", arguments: UInt64(0)..<20)
    func windowStory(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let limit = seed.isMultiple(of: 2) ? 7 : 5000
        var window = try SlidingWindow(limit, per: .seconds(1))
        var granted: [(at: Int64, cost: Int)] = []
        var now: Int64 = 0
        for _ in 0..<6000 {
            now += Int64.random(in: 0...(limit > 100 ? 1 : 150), using: &random)
            let cost = Int.random(in: 0...(limit > 100 ? 40 : 3), using: &random)
            if window.take(cost, at: Self.at(now)) { granted.append((now, cost)) }
        }
        var first = granted.startIndex
        var sum = 0
        for grant in granted {
            sum += grant.cost
            while granted[first].at <= grant.at - 1000 {
                sum -= granted[first].cost
                first += 1
            }
            #expect(sum <= limit, "seed \(seed), at \(grant.at) ms")
        }
        // It is not stingy either: over all, at least nine tenths of what there was could be had.
        let most = granted.reduce(0) { $0 + $1.cost }
        if limit > 100 { #expect(Int64(most) >= Int64(limit) * now / 1000 * 9 / 10, "seed \(seed)") }
    }

    // MARK: Tiers

    private static func tiers() throws -> RateTiers {
        RateTiers([
            RateTiers.Tier("second", .window(try SlidingWindow(2, per: .seconds(1)))),
            RateTiers.Tier("hour", .bucket(try TokenBucket(3, per: .seconds(3600), at: at(0)))),
        ])
    }

    @Test("all tiers count, or none: a refusal leaves the earlier ones as they were")
    func allOrNothing() throws {
        var tiers = try Self.tiers()
        #expect(tiers.take(2, at: Self.at(0)) == .taken)
        #expect(tiers.take(1, at: Self.at(0)) == .refused(tier: 0, until: Self.at(1000)))
        #expect(tiers.take(2, at: Self.at(2000)) == .refused(tier: 1, until: Self.at(1_200_000)))
        #expect(tiers.tiers[0].available(at: Self.at(2000)) == 2)
        #expect(tiers.take(1, at: Self.at(2000)) == .taken)
        #expect(tiers.take(9, at: Self.at(2000)) == .refused(tier: 0, until: nil))
        #expect(tiers.ready(for: 1, at: Self.at(2000)) == Self.at(1_200_000))
        #expect(tiers.ready(for: 9, at: Self.at(2000)) == nil)
    }

    @Test("weights multiply the cost; no tiers, or one of weight 0, let everything through")
    func weights() throws {
        var none = RateTiers([])
        #expect(none.take(.max, at: Self.at(0)) == .taken)
        let window = RateTiers.Meter.window(try SlidingWindow(4, per: .seconds(1)))
        var tiers = RateTiers([RateTiers.Tier("double", window, weight: 2), RateTiers.Tier("off", window, weight: 0)])
        #expect(tiers.take(2, at: Self.at(0)) == .taken)
        #expect(tiers.tiers.map { $0.available(at: Self.at(0)) } == [0, 4])
        #expect(tiers.take(.max, at: Self.at(0)) == .refused(tier: 0, until: nil))
        tiers.refund(2, takenAt: Self.at(0))
        #expect(tiers.take(2, at: Self.at(0)) == .taken)
    }
}
