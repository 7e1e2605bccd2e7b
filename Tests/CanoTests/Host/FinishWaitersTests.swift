// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@testable import Cano

@Suite("Ends of runs")
struct FinishWaitersTests {
    private static func end(bytes: Int = 10) -> RunEnd {
        let context = Payload.json(String(repeating: "x", count: bytes))
        return RunEnd(outcome: .succeeded, finish: Record.Finish(state: "done", visit: 2, context: context))
    }

    private static func runs(_ numbers: Range<Int>) -> [RunID] { numbers.map { RunID(high: 1, low: UInt64($0)) } }

    @Test("the ends of the last runs are remembered, and it shows when one was forgotten")
    func forgotten() {
        let waiters = FinishWaiters()
        let runs = Self.runs(0..<2)
        let before = waiters.now
        waiters.finished(runs[0], Self.end(bytes: 600_000))
        let between = waiters.now
        #expect(waiters.end(of: runs[0])?.outcome == .succeeded && waiters.remembersAll(since: before))
        // Two such contexts are more than is kept.
        waiters.finished(runs[1], Self.end(bytes: 600_000))
        #expect(waiters.end(of: runs[0]) == nil && waiters.end(of: runs[1]) != nil)
        #expect(!waiters.remembersAll(since: before))
        #expect(waiters.remembersAll(since: between))
    }

    @Test("an end that may have been missed shows, whenever the run began")
    func missed() {
        let waiters = FinishWaiters()
        let before = waiters.now
        // Another owner may have ended runs unheard.
        waiters.ringAll()
        #expect(!waiters.remembersAll(since: before))
        #expect(waiters.remembersAll(since: waiters.now))
    }

    @Test("ends that are older than a run take nothing from what is remembered of it")
    func older() {
        let waiters = FinishWaiters()
        for run in Self.runs(0..<5000) { waiters.finished(run, Self.end()) }
        let start = waiters.now
        for run in Self.runs(5000..<6000) { waiters.finished(run, Self.end()) }
        #expect(waiters.end(of: Self.runs(0..<1)[0]) == nil)
        #expect(waiters.remembersAll(since: start))
        for run in Self.runs(6000..<6100) { waiters.finished(run, Self.end()) }
        #expect(!waiters.remembersAll(since: start))
    }
}
