// SPDX-License-Identifier: Apache-2.0 OR MIT

/// The file, outside every database, to which each execution of a task appends a line.
struct Ledger {
    let path: String

    /// How many lines there are.
    var count: Int { text(of: self.path).utf8.count { $0 == UInt8(ascii: "\n") } }

    /// Compares what a run's history says with what was executed; returns what does not fit.
    func problems(with history: RunHistory, executions: [Substring: Int]) -> [String] {
        let run = history.run.id
        var problems: [String] = []
        if history.timeline.map(\.seq) != Array(1...max(1, history.timeline.count)) {
            problems.append("\(run): its records are not numbered without gaps")
        }
        var accepted: Set<RunHistory.Work> = []
        for outcome in history.outcomes {
            if !accepted.insert(outcome.work).inserted { problems.append("\(run): \(outcome.work) was accepted twice") }
            // An expansion is computed by the worker itself; an undo runs under the key of what it undoes.
            guard outcome.work.path != "expand", !outcome.work.path.hasPrefix("undo") else { continue }
            if executions["did \(run)/\(outcome.work)"] == nil {
                problems.append("\(run): \(outcome.work) was accepted, but never executed")
            }
        }
        if history.timeline.filter({ $0.kind == "finished" }).count != 1 {
            problems.append("\(run): not finished once")
        }
        problems += self.undoProblems(with: history, executions: executions)
        return problems
    }

    private func undoProblems(with history: RunHistory, executions: [Substring: Int]) -> [String] {
        let run = history.run.id
        let pushes = history.pushes
        guard history.run.status != "succeeded" else {
            return history.undone.isEmpty ? [] : ["\(run): succeeded, but undid \(history.undone)"]
        }
        var problems: [String] = []
        if history.undone != pushes.map(\.seq).reversed() {
            problems.append("\(run): pushed \(pushes.map(\.seq)), but undid \(history.undone)")
        }
        for push in pushes where executions["undid \(run)/\(push.work)/undo"] == nil {
            problems.append("\(run): \(push.work) was recorded as undone, but no undo was executed")
        }
        return problems
    }

    /// How often each `VERB KEY` was executed.
    var executions: [Substring: Int] {
        var counts: [Substring: Int] = [:]
        for line in text(of: self.path).split(separator: "\n") {
            guard let end = line.lastIndex(of: " ") else { continue }
            counts[line[..<end], default: 0] += 1
        }
        return counts
    }
}
