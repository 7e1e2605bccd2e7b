// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine

/// Runs as text.
enum RunText {
    /// A list of runs.
    static func list(_ runs: [RunView], _ style: Style) -> String {
        guard !runs.isEmpty else { return "no runs\n" }
        var table = Table(
            .left("RUN"),
            .left("WORKFLOW"),
            .left("STATUS"),
            .left("KEY"),
            .left("STARTED"),
            .right("TOOK"),
            .left("NOTE")
        )
        for run in runs {
            table.add(
                .init(run.id.description),
                .init("\(run.workflow)@\(run.version)"),
                .init(run.status.name, Style.tone(of: run.status)),
                .init(run.key),
                .init(TimeText.moment(run.startedAt)),
                .init(TimeText.between(run.startedAt, run.finishedAt)),
                .init(run.note)
            )
        }
        return table.render(style)
    }

    /// One run, a line for each thing that is known.
    static func header(_ run: RunView, _ style: Style) -> String {
        var lines: [(String, String)] = [
            ("run", style.apply(.strong, to: run.id.description)),
            ("workflow", "\(run.workflow)@\(run.version)"),
            ("status", style.status(run.status)),
        ]
        if let key = run.key { lines.append(("key", key)) }
        if let state = run.state { lines.append(("state", "\(state) (visit \(run.visit))")) }
        lines.append(("started", TimeText.moment(run.startedAt)))
        if let end = run.finishedAt {
            let took = TimeText.between(run.startedAt, end)
            lines.append(("finished", "\(TimeText.moment(end)), after \(took)"))
        }
        if let wake = run.wakeAt { lines.append(("wakes", TimeText.moment(wake))) }
        if let note = run.note { lines.append(("note", note)) }
        if let context = run.context { lines.append(("context", Self.context(context))) }
        let width = lines.reduce(0) { max($0, $1.0.count) }
        return
            lines.map { name, value in
                style.apply(.faint, to: name) + String(repeating: " ", count: width - name.count + 2) + value + "\n"
            }
            .joined()
    }

    /// How a run ended, in one line.
    static func outcome(_ run: RunView, _ style: Style) -> String {
        let took = TimeText.between(run.startedAt, run.finishedAt)
        let after = took.isEmpty ? "" : " after \(took)"
        return "\(run.id) \(style.status(run.status))\(after)\n"
    }

    /// Why a run did not end well, for the error line; `nil` when it did.
    static func complaint(_ run: RunView) -> String? {
        guard run.status != .succeeded else { return nil }
        let note = run.note.map { ": \($0)" } ?? ""
        return "run \(run.id) \(run.status.isFinished ? "ended as" : "is") \(run.status.name)\(note)"
    }

    private static func context(_ payload: Payload) -> String {
        let text = String(decoding: payload.bytes, as: UTF8.self)
        let flat = text.split(whereSeparator: \.isNewline).joined(separator: " ")
        return flat.count > 400 ? "\(flat.prefix(400))… (\(payload.count) bytes; --json shows all)" : flat
    }
}
