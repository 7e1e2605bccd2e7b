// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

/// Numbers at the end of what their types can hold, which may come from a user or a stored row: none of them traps.
@Suite("Extreme numbers")
struct ExtremeNumberTests {
    private static let spans = [0, 1, 1 << 53, .max - 1, .max] as [Int64]

    @Test("a pause between attempts is between zero and the longest one, whatever its policy", arguments: Self.spans)
    func pauses(milliseconds: Int64) {
        for multiplier in [-.infinity, -1, 0, 1, 1e308, .infinity, .nan] as [Double] {
            for jitter in [-.infinity, -1, 0, 1, .infinity, .nan] as [Double] {
                var policy = RetryPolicy()
                policy.initialDelay = Span(milliseconds: milliseconds)
                policy.maximumDelay = Span(milliseconds: milliseconds)
                policy.multiplier = multiplier
                policy.jitter = jitter
                for failures in [.min, 0, 1, 2, 1000] {
                    let pause = policy.delay(afterFailures: failures, seed: 7)
                    #expect(pause <= policy.maximumDelay, "\(policy)")
                }
            }
        }
    }

    @Test("instants and lengths of time stop at their ends")
    func ends() {
        let ends = [.min, -1, 0, 1, .max].map { Instant(microseconds: $0) }
        for left in ends {
            for right in ends {
                let span = left.milliseconds(since: right)
                #expect(left < right ? span <= 0 : span >= 0)
            }
            for span in Self.spans.map(Span.init(milliseconds:)) {
                #expect(left.advanced(by: span) >= left && left.preceded(by: span) <= left)
            }
        }
        #expect(Instant(microseconds: .max).milliseconds(since: Instant(microseconds: .min)) == .max / 1000)
    }
}
