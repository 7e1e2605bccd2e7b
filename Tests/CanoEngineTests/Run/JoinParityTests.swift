// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

/// The joins of Cano for Rust beside ours: each row says what both make of the same story.
///
/// A story has a letter for each thing that happens, in order: `s` a branch succeeds, `f` one fails for good, `!` the
/// time is up. A verdict says how the split ended and after how many of these: `ok@2`, `no@3`; `-` when it did not.
@Suite("Joins, beside those of Cano for Rust")
struct JoinParityTests {
    /// The strategies of the other engine.
    enum Rust: Sendable {
        case all, any, quorum(Int), percentage(Double), partialResults(Int), partialTimeout
    }

    struct Row: Sendable, CustomTestStringConvertible {
        var item: String
        var rust: Rust
        var ours: JoinPolicy.Rule
        var branches: Int
        var story: String
        var theirs: String
        var verdict: String
        var why = ""

        var testDescription: String { "\(self.item): \(self.ours) of \(self.branches), \(self.story)" }
    }

    static let rows: [Row] = [
        // All: theirs waits for every branch, ours fails as soon as one has failed.
        Row(item: "F-JOIN-06", rust: .all, ours: .all, branches: 3, story: "sss", theirs: "ok@3", verdict: "ok@3"),
        Row(
            item: "F-JOIN-06",
            rust: .all,
            ours: .all,
            branches: 3,
            story: "fss",
            theirs: "no@3",
            verdict: "no@1",
            why: early
        ),
        Row(item: "F-JOIN-06", rust: .all, ours: .all, branches: 0, story: "", theirs: "ok@0", verdict: "ok@0"),
        Row(item: "F-JOIN-06", rust: .all, ours: .all, branches: 2, story: "s!", theirs: "no@2", verdict: "no@2"),
        // Any: the same.
        Row(item: "F-JOIN-07", rust: .any, ours: .any, branches: 3, story: "fs", theirs: "ok@2", verdict: "ok@2"),
        Row(item: "F-JOIN-07", rust: .any, ours: .any, branches: 3, story: "fff", theirs: "no@3", verdict: "no@3"),
        Row(item: "F-JOIN-07", rust: .any, ours: .any, branches: 0, story: "", theirs: "no@0", verdict: "no@0"),
        Row(item: "F-JOIN-07", rust: .any, ours: .any, branches: 2, story: "!", theirs: "no@1", verdict: "no@1"),
        // Quorum: theirs waits for every branch, and forgets at the timeout what was there.
        Row(
            item: "F-JOIN-08",
            rust: .quorum(2),
            ours: .quorum(count: 2),
            branches: 4,
            story: "sfss",
            theirs: "ok@4",
            verdict: "ok@3",
            why: early
        ),
        Row(
            item: "F-JOIN-08",
            rust: .quorum(3),
            ours: .quorum(count: 3),
            branches: 4,
            story: "ffss",
            theirs: "no@4",
            verdict: "no@2",
            why: early
        ),
        Row(
            item: "F-JOIN-08",
            rust: .quorum(2),
            ours: .quorum(count: 2),
            branches: 4,
            story: "ss!",
            theirs: "no@3",
            verdict: "ok@2",
            why: "what is satisfied proceeds"
        ),
        Row(
            item: "F-JOIN-08",
            rust: .quorum(2),
            ours: .quorum(count: 2),
            branches: 4,
            story: "s!",
            theirs: "no@2",
            verdict: "no@2"
        ),
        Row(
            item: "F-JOIN-08",
            rust: .quorum(5),
            ours: .quorum(count: 5),
            branches: 3,
            story: "sss",
            theirs: "no@3",
            verdict: "no@0",
            why: "what cannot be is said at once"
        ),
        // Percentage: like quorum.
        Row(
            item: "F-JOIN-09",
            rust: .percentage(0.5),
            ours: .quorumPercent(50),
            branches: 4,
            story: "ssff",
            theirs: "ok@4",
            verdict: "ok@2",
            why: early
        ),
        Row(
            item: "F-JOIN-09",
            rust: .percentage(0.8),
            ours: .quorumPercent(80),
            branches: 10,
            story: "ssssssssff",
            theirs: "ok@10",
            verdict: "ok@8",
            why: early
        ),
        Row(
            item: "F-JOIN-09",
            rust: .percentage(0.75),
            ours: .quorumPercent(75),
            branches: 4,
            story: "ffss",
            theirs: "no@4",
            verdict: "no@2",
            why: early
        ),
        Row(
            item: "F-JOIN-09",
            rust: .percentage(0.5),
            ours: .quorumPercent(50),
            branches: 0,
            story: "",
            theirs: "ok@0",
            verdict: "ok@0"
        ),
        Row(
            item: "F-JOIN-09",
            rust: .percentage(0.5),
            ours: .quorumPercent(50),
            branches: 3,
            story: "sff",
            theirs: "no@3",
            verdict: "no@3"
        ),
        Row(
            item: "F-JOIN-09",
            rust: .percentage(0.5),
            ours: .quorumPercent(50),
            branches: 4,
            story: "ss!",
            theirs: "no@3",
            verdict: "ok@2",
            why: "what is satisfied proceeds"
        ),
        // Partial results: theirs is a quorum that stops early; that is what our quorum is.
        Row(
            item: "F-JOIN-10",
            rust: .partialResults(2),
            ours: .quorum(count: 2),
            branches: 4,
            story: "sfs",
            theirs: "ok@3",
            verdict: "ok@3"
        ),
        Row(
            item: "F-JOIN-10",
            rust: .partialResults(2),
            ours: .quorum(count: 2),
            branches: 3,
            story: "ffs",
            theirs: "no@3",
            verdict: "no@2",
            why: early
        ),
        Row(
            item: "F-JOIN-10",
            rust: .partialResults(1),
            ours: .quorum(count: 1),
            branches: 2,
            story: "!",
            theirs: "no@1",
            verdict: "no@1"
        ),
        Row(
            item: "F-JOIN-10",
            rust: .partialResults(5),
            ours: .quorum(count: 5),
            branches: 3,
            story: "sss",
            theirs: "no@3",
            verdict: "no@0",
            why: "what cannot be is said at once"
        ),
        Row(
            item: "F-JOIN-10",
            rust: .partialResults(0),
            ours: .partial(atLeast: 0),
            branches: 2,
            story: "fs",
            theirs: "ok@1",
            verdict: "ok@2",
            why: "whoever wants no success waits until every branch has ended"
        ),
        // Partial after a timeout: ours says how many successes are enough, also none.
        Row(
            item: "F-JOIN-11",
            rust: .partialTimeout,
            ours: .partial(atLeast: 0),
            branches: 3,
            story: "sfs",
            theirs: "ok@3",
            verdict: "ok@3"
        ),
        Row(
            item: "F-JOIN-11",
            rust: .partialTimeout,
            ours: .partial(atLeast: 0),
            branches: 3,
            story: "s!",
            theirs: "ok@2",
            verdict: "ok@2"
        ),
        Row(
            item: "F-JOIN-11",
            rust: .partialTimeout,
            ours: .partial(atLeast: 0),
            branches: 2,
            story: "ff",
            theirs: "ok@2",
            verdict: "ok@2"
        ),
        Row(
            item: "F-JOIN-11",
            rust: .partialTimeout,
            ours: .partial(atLeast: 0),
            branches: 2,
            story: "!",
            theirs: "no@1",
            verdict: "ok@1",
            why: none
        ),
        Row(
            item: "F-JOIN-11",
            rust: .partialTimeout,
            ours: .partial(atLeast: 1),
            branches: 2,
            story: "!",
            theirs: "no@1",
            verdict: "no@1"
        ),
        Row(
            item: "F-JOIN-11",
            rust: .partialTimeout,
            ours: .partial(atLeast: 0),
            branches: 0,
            story: "",
            theirs: "no@0",
            verdict: "ok@0",
            why: none
        ),
    ]

    private static let early = "the answer is given as soon as it is known either way"
    private static let none = "whoever asks for none gets none; atLeast: 1 asks for one"

    @Test("each row ends as it says, and says why where the other engine ends otherwise", arguments: Self.rows)
    func row(_ row: Row) throws {
        #expect(try Self.ours(row) == row.verdict)
        #expect(Self.theirs(row) == row.theirs)
        #expect(row.why.isEmpty == (row.verdict == row.theirs))
    }

    @Test("every strategy of the other engine has rows")
    func complete() {
        let items = ["F-JOIN-06", "F-JOIN-07", "F-JOIN-08", "F-JOIN-09", "F-JOIN-10", "F-JOIN-11"]
        #expect(Set(Self.rows.map(\.item)) == Set(items))
    }

    @Test("a join that failed says how many succeeded, the first failures, and how many more there are")
    func message() {
        var tally = JoinTally(of: 7)
        tally.succeed()
        for _ in 0..<5 { tally.fail() }
        let failures = (1...5).map { (branch: $0, failure: Failure(code: "taskFailed", message: "no \($0)")) }
        let decision = tally.decision(of: .all, timeIsUp: false) { failures }
        let message =
            "1 of 7 branches succeeded, 7 needed; branch 1: no 1; branch 2: no 2; branch 3: no 3; and 2 more"
        #expect(decision == .failed(Failure(code: "joinFailed", message: message, isRetryable: false)))
    }

    /// What our engine makes of the story.
    private static func ours(_ row: Row) throws -> String {
        let join = JoinPolicy(row.ours, within: .seconds(60))
        let split = SplitDefinition(expand: RunFixture.task(), branch: RunFixture.task(attempts: 1), join: join)
        let next = StateDefinition(name: "b", step: .task(run: RunFixture.task(), to: ["done"]))
        var fixture = try RunFixture([StateDefinition(name: "a", step: .split(split, to: "b")), next])
        let items = (0..<row.branches).map { Payload.json("\($0)") }
        try fixture.accept(try fixture.lease(.expand), .completed(.items(items)))
        let final = Failure(code: "taskFailed", message: "no", isRetryable: false)
        for (count, event) in ([nil] + row.story.map { Optional($0) }).enumerated() {
            if event == "!" {
                fixture.pass(60_000)
                fixture.tell { run, now in run.wake(nil, at: now) }
            } else if let event {
                let lease = try fixture.lease(.branch(count - 1))
                let result =
                    event == "s" ? AttemptReport.Result.completed(.output(.json("1"))) : .failed(final, retryAfter: nil)
                try fixture.accept(lease, result)
            }
            if case .finished = fixture.run.phase { return "no@\(count)" }
            if fixture.run.position.visit == 2 { return "ok@\(count)" }
        }
        return "-"
    }

    /// What the other engine makes of it, by the table of its behaviour.
    private static func theirs(_ row: Row) -> String {
        var (succeeded, failed) = (0, 0)
        let branches = row.branches
        for (count, event) in ([nil] + row.story.map { Optional($0) }).enumerated() {
            if event == "s" { succeeded += 1 }
            if event == "f" { failed += 1 }
            let isOver = succeeded + failed == branches
            switch row.rust {
            case _ where event == "!":
                if case .partialTimeout = row.rust, succeeded + failed >= 1 { return "ok@\(count)" }
                return "no@\(count)"
            case .all: if isOver { return succeeded >= branches ? "ok@\(count)" : "no@\(count)" }
            case .any:
                if succeeded >= 1 { return "ok@\(count)" }
                if isOver { return "no@\(count)" }
            case .quorum(let wanted): if isOver { return succeeded >= wanted ? "ok@\(count)" : "no@\(count)" }
            case .percentage(let part):
                let wanted = Int((Double(branches) * part).rounded(.up))
                if isOver { return succeeded >= wanted ? "ok@\(count)" : "no@\(count)" }
            case .partialResults(let wanted):
                // Even when nothing is wanted, it looks only when a branch has ended.
                if succeeded >= wanted, count > 0 || isOver { return "ok@\(count)" }
                if isOver { return "no@\(count)" }
            case .partialTimeout: if isOver { return succeeded + failed >= 1 ? "ok@\(count)" : "no@\(count)" }
            }
        }
        return "-"
    }
}
