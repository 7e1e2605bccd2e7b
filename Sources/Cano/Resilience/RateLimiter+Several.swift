// SPDX-License-Identifier: Apache-2.0 OR MIT

internal import CanoEngine

extension RateLimiter {
    /// Counts a call with several limiters, or with none of them.
    ///
    /// - Parameters:
    ///   - cost: what the call counts for.
    ///   - limiters: who must all let it through, asked in this order; what the earlier ones had counted is given back
    ///     when a later one refuses.
    /// - Throws: ``RateLimited`` of the first that refuses.
    public static func take(_ cost: Int = 1, from limiters: RateLimiter...) throws(RateLimited) {
        do throws(RateLimited) { try Self.take(cost, fromAll: limiters) } catch {
            error.culprit(among: limiters)?.meters?.refused(by: error.tier)
            throw error
        }
    }

    /// Waits until several limiters let a call through together.
    ///
    /// - Parameters:
    ///   - cost: what the call counts for.
    ///   - limiters: who must all let it through; nobody keeps a place in the line of one while another is in the way.
    /// - Throws: ``RateLimited`` when one of them never will, `CancellationError`.
    public static func acquire(_ cost: Int = 1, from limiters: RateLimiter...) async throws {
        // The first one that is in the way, and since when: the wait is counted as its own.
        var first: (limiter: RateLimiter, since: Instant)?
        while true {
            do throws(RateLimited) {
                try Self.take(cost, fromAll: limiters)
                if let (limiter, since) = first {
                    let waited = limiter.clock.now().microseconds - since.microseconds
                    limiter.meters?.waited(.microseconds(waited))
                }
                return
            } catch {
                guard let limiter = error.culprit(among: limiters) else { throw error }
                guard let wait = error.retryAfter else {
                    limiter.meters?.refused(by: error.tier)
                    throw error
                }
                let now = limiter.clock.now()
                if first == nil {
                    limiter.meters?.waits(for: error.tier)
                    first = (limiter, now)
                }
                try await limiter.clock.sleep(until: now.advanced(by: max(wait, .milliseconds(1))))
            }
        }
    }

    /// In the metrics only what all of them let through is counted.
    private static func take(_ cost: Int, fromAll limiters: [RateLimiter]) throws(RateLimited) {
        var taken: [Instant] = []
        for limiter in limiters {
            do throws(RateLimited) { taken.append(try limiter.askTiers(cost)) } catch {
                for (earlier, time) in zip(limiters, taken) { earlier.refund(cost, takenAt: time) }
                throw error
            }
        }
        for limiter in limiters { limiter.meters?.acquired(cost) }
    }
}

extension RateLimited {
    /// The limiter that refused.
    fileprivate func culprit(among limiters: [RateLimiter]) -> RateLimiter? {
        limiters.first { $0.name == self.limiter }
    }
}
