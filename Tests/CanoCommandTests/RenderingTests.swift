// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import Testing

@testable import CanoCommand

@Suite("What people see")
struct RenderingTests {
    private static let start = Instant(microseconds: 1_795_364_100_250_000)
    private static let run = RunID(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0001)

    private static func entry(
        _ seq: Int,
        _ kind: HistoryRow.Kind,
        after milliseconds: Int64 = 0,
        _ adjust: (inout HistoryRow) -> Void = { _ in }
    ) -> TimelineEntry {
        let at = Self.start.advanced(by: Span(milliseconds: milliseconds))
        var row = HistoryRow(run: Self.run, seq: seq, kind: kind, at: at)
        adjust(&row)
        return TimelineEntry(row)
    }

    /// A split of six: four go well, one is lost and retried, one fails for good.
    private static let story: [TimelineEntry] = {
        let token = Token(epoch: Epoch(rawValue: 3), counter: 9)
        var story = [
            Self.entry(1, .started) {
                $0.state = "count"
                $0.visit = 1
            },
            Self.entry(2, .expanded, after: 40) {
                let items = (0..<6).map { Payload.json("\($0)") }
                $0.payload = Payload(bytes: PayloadList.encode(items), type: .binary)
            },
        ]
        for index in 0..<4 {
            story.append(
                Self.entry(3 + index, .branchDone, after: 100 + Int64(index)) {
                    $0.path = "branch/\(index)"
                    $0.attempt = 1
                    $0.payload = .json("1")
                }
            )
        }
        story.append(
            Self.entry(7, .attemptLost, after: 2000) {
                $0.path = "branch/4"
                $0.attempt = 1
                $0.worker = "worker-2"
                $0.token = token
                $0.reason = "workerGone"
                $0.startedAt = Self.start
            }
        )
        story.append(
            Self.entry(8, .attemptFailed, after: 65_000) {
                $0.path = "branch/5"
                $0.attempt = 5
                $0.worker = "worker-1"
                $0.reason = "exit"
                $0.detail = "exit code 2\nno such file"
            }
        )
        return story
    }()

    @Test("a table aligns its columns, leaves empty ones out and ends no line with blanks")
    func table() {
        var table = Table(.left("NAME"), .left("EMPTY"), .right("NO"), .left("NOTE"))
        table.add("a", "", "7", "")
        table.add("longer", "", "12", "two\nlines")
        #expect(
            table.render(.plain) == """
                NAME    NO  NOTE
                a        7
                longer  12  two lines

                """
        )
    }

    @Test("only the last column gives way to a narrow terminal")
    func narrow() {
        var table = Table(.left("NAME"), .left("NOTE"))
        table.add("0123456789", "abcdefghijklmnopqrstuvwxyz")
        let lines = table.render(Style(isColoured: false, width: 22)).split(separator: "\n")
        #expect(lines[1] == "0123456789  abcdefghi…")
    }

    @Test("no escape sequence appears where colours are not wanted, and widths stay the same where they are")
    func colours() {
        let coloured = TimelineText.table(Self.story, isWhole: true, Style(isColoured: true, width: nil))
        let plain = TimelineText.table(Self.story, isWhole: true, .plain)
        #expect(!plain.contains("\u{1B}"))
        #expect(coloured.contains("\u{1B}[31mattemptFailed\u{1B}[0m"))
        var stripped = coloured
        while let escape = stripped.firstRange(of: "\u{1B}["),
            let end = stripped[escape.lowerBound...].firstIndex(of: "m")
        {
            stripped.removeSubrange(escape.lowerBound...end)
        }
        #expect(stripped == plain)
    }

    @Test("branches that went well share a row; what went wrong has its own")
    func timeline() throws {
        let text = TimelineText.table(Self.story, isWhole: false, .plain)
        let lines = text.split(separator: "\n")
        try #require(lines.count == 6)
        #expect(lines[3].contains("3–6") && lines[3].hasSuffix("4 branches done"))
        #expect(lines[4].contains("attemptLost") && lines[4].contains("worker-2") && lines[4].contains("3.9"))
        #expect(lines[5].contains("1 m 05 s") && lines[5].hasSuffix("exit: exit code 2 no such file"))
        let whole = TimelineText.table(Self.story, isWhole: true, .plain)
        #expect(whole.split(separator: "\n").count == 9)
    }

    @Test("the tree counts the branches and lists what was lost and failed")
    func tree() {
        var progress = SplitProgress()
        progress.add(Self.story)
        progress.add([
            Self.entry(9, .branchDone) {
                $0.path = "branch/4"
                $0.attempt = 2
                $0.payload = .json("1")
            },
            Self.entry(10, .branchDone) {
                $0.path = "branch/5"
                $0.reason = "exit"
                $0.number = 0
            },
            Self.entry(11, .joined) { $0.reason = "satisfied" },
        ])
        let text = ProgressText.tree(progress, .plain)
        #expect(text.contains("count (visit 1): 6 branches, join satisfied\n├─ 5 succeeded\n└─ 1 failed\n"))
        #expect(text.contains("lost     branch/4   1  worker-2  3.9    workerGone"))
        #expect(progress.incidents.map(\.kind) == [.lost, .failed, .failed])
    }

    @Test("branches that a join did not wait for are counted, not listed as lost")
    func notNeeded() {
        var progress = SplitProgress()
        progress.add(Array(Self.story.prefix(6)))
        progress.add([
            Self.entry(7, .attemptLost) {
                $0.path = "branch/4"
                $0.attempt = 1
                $0.reason = "abandoned"
            },
            Self.entry(8, .joined) { $0.reason = "satisfied" },
        ])
        let text = ProgressText.tree(progress, .plain)
        #expect(text == "count (visit 1): 6 branches, join satisfied\n├─ 4 succeeded\n└─ 2 not needed\n")
    }

    @Test("a password of a store's URI is never shown")
    func password() {
        #expect(DevWorker.withoutPassword("postgres://ada:se@cret@h:5432/db") == "postgres://ada:…@h:5432/db")
        #expect(DevWorker.withoutPassword("postgres://ada@h/db") == "postgres://ada@h/db")
        #expect(DevWorker.withoutPassword("sqlite:/a/b") == "sqlite:/a/b")
    }

    @Test("attempts that were lost together are listed one by one")
    func lostTogether() {
        let lost = (0..<3)
            .map { index in
                Record.LostAttempt(
                    path: .branch(index),
                    attempt: Record.Attempt(
                        number: 1,
                        token: Token(epoch: Epoch(rawValue: 1), counter: Int64(index)),
                        worker: WorkerID(rawValue: "w\(index)")
                    )
                )
            }
        let row = HistoryRow(.attemptsLost(lost, .owner, retryAt: nil), run: Self.run, seq: 4, at: Self.start)
        var progress = SplitProgress()
        progress.add([TimelineEntry(row)])
        #expect(progress.incidents.map(\.path) == ["branch/0", "branch/1", "branch/2"])
        #expect(progress.incidents.map(\.token) == ["1.0", "1.1", "1.2"])
        #expect(progress.incidents.map(\.worker) == ["w0", "w1", "w2"])
    }

    @Test("the bar fills with the branches, and counts what went wrong")
    func bar() throws {
        var progress = SplitProgress()
        progress.add(Self.story)
        let summary = RunSummary(
            run: Self.run,
            definition: DefinitionKey(name: "w", version: 1),
            key: nil,
            status: .active,
            startedAt: Self.start
        )
        let line = ProgressText.line(RunView(summary), progress, running: 2, .plain)
        #expect(line == "count [####################----------] 4/6 66%, 2 running, 1 lost")
    }

    @Test("a log gets a line for each tenth of a split, a terminal one line that changes")
    func display() {
        let summary = RunSummary(
            run: Self.run,
            definition: DefinitionKey(name: "w", version: 1),
            key: nil,
            status: .active,
            startedAt: Self.start
        )
        var progress = SplitProgress()
        progress.add(Array(Self.story.prefix(3)))
        var log = ProgressDisplay(style: .plain, isLive: false)
        #expect(log.update(RunView(summary), progress, running: 3).hasSuffix("1/6 16%, 3 running\n"))
        #expect(log.update(RunView(summary), progress, running: 2) == "")
        #expect(log.finish() == "")
        var live = ProgressDisplay(style: .plain, isLive: true)
        #expect(live.update(RunView(summary), progress, running: 3).hasPrefix("\r\u{1B}[2Kcount ["))
        #expect(live.update(RunView(summary), progress, running: 3) == "")
        #expect(live.finish() == "\n")
    }

    @Test(
        "lengths of time are short and exact enough",
        arguments: [
            (Int64(-3), "0 ms"), (999, "999 ms"), (3249, "3.2 s"), (65_000, "1 m 05 s"), (7_620_000, "2 h 07 m"),
            (273_600_000, "3 d 04 h"),
        ]
    )
    func lengths(milliseconds: Int64, text: String) {
        #expect(TimeText.length(milliseconds: milliseconds) == text)
    }
}
