// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine

/// A timeline as a table.
enum TimelineText {
    /// The table.
    ///
    /// Unless `isWhole`, branches that ended well at the first attempt share a row.
    static func table(_ entries: [TimelineEntry], isWhole: Bool, _ style: Style) -> String {
        guard let start = entries.first?.at else { return "" }
        var table = Table(
            .right("SEQ"),
            .right("AFTER"),
            .left("RECORD"),
            .left("STATE"),
            .left("PATH"),
            .right("NO"),
            .left("WORKER"),
            .left("TOKEN"),
            .right("TOOK"),
            .left("DETAIL")
        )
        var quiet: [TimelineEntry] = []
        for entry in entries {
            if !isWhole, Self.isQuiet(entry) {
                quiet.append(entry)
                continue
            }
            Self.flush(&quiet, into: &table, start: start)
            Self.add(entry, to: &table, start: start)
        }
        Self.flush(&quiet, into: &table, start: start)
        return table.render(style)
    }

    private static func isQuiet(_ entry: TimelineEntry) -> Bool {
        entry.kind == "attemptHeld" || entry.kind == "branchDone" && entry.reason == nil && entry.attempt ?? 1 <= 1
    }

    private static func flush(
        _ quiet: inout [TimelineEntry],
        into table: inout Table,
        start: Instant
    ) {
        defer { quiet = [] }
        guard let first = quiet.first, let last = quiet.last else { return }
        guard quiet.count > 1 else { return Self.add(first, to: &table, start: start) }
        let done = quiet.count { $0.kind == "branchDone" }
        let held = quiet.count - done
        let parts = [done > 0 ? "\(done) branches done" : "", held > 0 ? "\(held) attempts held" : ""]
        table.add(
            .init("\(first.seq)–\(last.seq)", .faint),
            .init(TimeText.between(start, last.at), .faint),
            .init(done > 0 ? "branchDone" : "attemptHeld", .faint),
            "",
            "",
            "",
            "",
            "",
            "",
            .init(parts.filter { !$0.isEmpty }.joined(separator: ", "), .faint)
        )
    }

    private static func add(_ entry: TimelineEntry, to table: inout Table, start: Instant) {
        table.add(
            .init(String(entry.seq), .faint),
            .init(TimeText.between(start, entry.at), .faint),
            .init(entry.kind, Self.tone(of: entry)),
            .init(entry.state),
            .init(entry.path),
            .init(entry.attempt.map { String($0) }),
            .init(entry.worker),
            .init(entry.token),
            .init(TimeText.between(entry.started, entry.ended)),
            .init(Self.detail(entry))
        )
    }

    private static func detail(_ entry: TimelineEntry) -> String {
        let why = [entry.reason, entry.detail].compactMap(\.self).joined(separator: ": ")
        var parts = why.isEmpty ? [] : [why]
        if let branches = entry.branches { parts.append("\(branches) branches") }
        if !entry.lost.isEmpty { parts.append("\(entry.lost.count) attempts") }
        if let due = entry.due { parts.append("due \(TimeText.moment(due))") }
        return parts.joined(separator: ", ")
    }

    private static func tone(of entry: TimelineEntry) -> Style.Tone {
        switch entry.kind {
        case "attemptFailed": .bad
        case "attemptLost", "compensating", "compensated", "cancelRequested": .notable
        case "finished": entry.reason == "succeeded" ? .good : .bad
        case "branchDone": entry.reason == nil ? .plain : .bad
        default: .plain
        }
    }
}
