// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

/// Times come from definitions, databases and networks: the largest of them stop nothing.
@Suite("Times at their bounds")
struct TimeTests {
    private static let largest = Span(milliseconds: .max)

    @Test("a pause as long as can be written is computed, with any jitter", arguments: [0, 0.1, 1])
    func pause(jitter: Double) {
        let policy = RetryPolicy {
            $0.initialDelay = Self.largest
            $0.maximumDelay = Self.largest
            $0.multiplier = .greatestFiniteMagnitude
            $0.jitter = jitter
        }
        for seed in UInt64(0)..<50 {
            let pause = policy.delay(afterFailures: 1 + Int(seed), seed: seed)
            #expect(pause <= Self.largest)
        }
    }

    @Test("differences and sums of the farthest instants stop at what can be written")
    func instants() {
        let (first, last) = (Instant(microseconds: .min), Instant(microseconds: .max))
        #expect(last.milliseconds(since: first) == .max / 1000)
        #expect(first.milliseconds(since: last) == .min / 1000)
        #expect(last.advanced(by: Self.largest) == last)
    }

    @Test("a span is never more than can be counted, nor less than nothing")
    func spans() {
        #expect(Span(.milliseconds(Int64.max)) == Self.largest)
        #expect(Span(.seconds(Int64.max)) == Self.largest)
        #expect(Span(.seconds(Int64.min)) == Span(milliseconds: 0))
        #expect(
            Span(Duration(secondsComponent: .max / 1000, attosecondsComponent: 999_000_000_000_000_000)) == Self.largest
        )
    }

    @Test("a definition with a time beyond all use is refused, and names it")
    func definition() {
        let slow = RetryPolicy {
            $0.initialDelay = Self.largest
            $0.maximumDelay = Self.largest
        }
        let task = TaskDefinition(handler: "work", name: "work", retry: slow, timeout: Self.largest)
        let definition = Definition(
            name: "slow",
            version: 1,
            start: "wait",
            states: [
                StateDefinition(name: "wait", step: .timer(after: Self.largest, to: "work")),
                StateDefinition(name: "work", step: .task(run: task, to: ["done"])),
                StateDefinition(name: "done", step: .exit(.success)),
            ],
            timeout: Self.largest
        )
        let error = #expect(throws: CanoError.self) { try definition.validate() }
        for culprit in [
            "the timer of", "the delay of", "the longest delay of", "the timeout of", "the workflow's timeout",
        ] {
            #expect(error?.message.contains(culprit) == true, "\(culprit) is not named")
        }
        #expect(error?.message.contains("over the limit of 3153600000000 ms") == true)
    }
}
