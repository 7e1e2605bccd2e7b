// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@Suite("Retry policy")
struct RetryPolicyTests {
    @Test("F-RETRY-02: five attempts, from 200 ms doubling up to 30 s, with a tenth of jitter")
    func defaults() {
        let policy = RetryPolicy()
        #expect(policy.maximumAttempts == 5)
        #expect(policy.initialDelay == Span(milliseconds: 200))
        #expect(policy.multiplier == 2)
        #expect(policy.maximumDelay == .seconds(30))
        #expect(policy.jitter == 0.1)
        #expect(policy.maximumElapsed == nil && policy.overrides.isEmpty)
        #expect(RetryPolicy.never.maximumAttempts == 1)
    }

    @Test("F-RETRY-01, T-RET-1: pauses grow from the first one up to the longest")
    func growth() {
        let doubling = RetryPolicy { $0.jitter = 0 }
        let pauses = (1...10).map { doubling.delay(afterFailures: $0, seed: 1).milliseconds }
        #expect(pauses == [200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000])
        let constant = RetryPolicy {
            $0.multiplier = 1
            $0.jitter = 0
        }
        #expect((1...10).allSatisfy { constant.delay(afterFailures: $0, seed: 1).milliseconds == 200 })
    }

    @Test("F-RETRY-03, T-RET-3: jitter is a part of the pause, the same for one seed, and never above the longest")
    func jitter() {
        let policy = RetryPolicy()
        var seen: Set<Int64> = []
        for seed in UInt64(0)..<200 {
            let pause = policy.delay(afterFailures: 3, seed: seed).milliseconds
            #expect(pause >= 719 && pause <= 880, "seed \(seed)")
            #expect(policy.delay(afterFailures: 3, seed: seed).milliseconds == pause, "seed \(seed)")
            #expect(policy.delay(afterFailures: 9, seed: seed) <= policy.maximumDelay, "seed \(seed)")
            seen.insert(pause)
        }
        #expect(seen.count > 50)
    }
}
