// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine

/// What the tasks of all workers of a scenario did, in order; it also holds them up where the scenario wants it.
final class Diary: Sendable {
    struct Line: Hashable, Sendable {
        var text: String
        var worker: String
        /// The idempotency key of the work.
        var key: String
    }

    private struct State {
        var lines: [Line] = []
        /// The lines behind which tasks wait.
        var gates: Set<String> = []
        /// Who came to a meeting.
        var guests: [String: Set<String>] = [:]
    }

    private let state: Guarded<State>

    init(gates: Set<String> = []) {
        self.state = Guarded(State(gates: gates))
    }

    func add(_ line: Line) { self.state.withLock { $0.lines.append(line) } }

    /// Lets the tasks go on that wait behind this line.
    func open(_ gate: String) { self.state.withLock { _ = $0.gates.remove(gate) } }

    func isShut(_ gate: String) -> Bool { self.state.withLock { $0.gates.contains(gate) } }

    /// A worker is at a meeting; returns whether another one is there, too.
    func arrive(_ worker: String, at place: String) -> Bool {
        self.state.withLock { state -> Bool in
            state.guests[place, default: []].insert(worker)
            return state.guests[place, default: []].count > 1
        }
    }

    // MARK: Reading

    var lines: [Line] { self.state.withLock { $0.lines } }

    func lines(of run: RunID) -> [Line] { self.lines.filter { $0.key.hasPrefix("\(run)/") } }

    func texts(of run: RunID) -> [String] { self.lines(of: run).map(\.text) }

    /// The first line with this text.
    func line(_ text: String) -> Line? { self.lines.first { $0.text == text } }

    /// How often each text stands there.
    func counts(of run: RunID) -> [String: Int] {
        Dictionary(self.texts(of: run).map { ($0, 1) }, uniquingKeysWith: +)
    }

    // MARK: Judging

    /// What does not fit between a run's history and what the workers did.
    func problems(with history: RunHistory) -> [String] {
        let run = history.run.id
        let done = Dictionary(grouping: self.lines.filter { $0.key.hasPrefix("\(run)/") }, by: \.key)
        var problems: [String] = []
        if history.timeline.map(\.seq) != Array(1...max(1, history.timeline.count)) {
            problems.append("\(run): its records are not numbered without gaps")
        }
        if history.count(of: "finished") != 1 { problems.append("\(run): not finished once") }
        var accepted: Set<String> = []
        for outcome in history.outcomes {
            let key = "\(run)/\(outcome.work)"
            if !accepted.insert(key).inserted { problems.append("\(key): accepted twice") }
            guard let worker = outcome.worker, Cluster.names.contains(worker) else {
                problems.append("\(key): done by \(outcome.worker ?? "nobody")")
                continue
            }
            if let lines = done[key], !lines.contains(where: { $0.worker == worker }) {
                problems.append("\(key): the history names \(worker), but \(lines.map(\.worker)) did it")
            }
        }
        if history.run.status == "succeeded" {
            for key in done.keys where !accepted.contains(key) { problems.append("\(key): done, but not accepted") }
        }
        let steps = history.timeline.filter { $0.kind == "stepCursor" }.compactMap(\.token)
        if Set(steps).count != steps.count { problems.append("\(run): an attempt made two steps") }
        return problems
    }
}
