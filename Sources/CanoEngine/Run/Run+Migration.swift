// SPDX-License-Identifier: Apache-2.0 OR MIT

/// Which states of one version stand for which states of another; states that are not named keep their names.
public struct StateMap: Hashable, Sendable {
    /// The names of the new version by those of the old one.
    public var renamed: [String: String]

    /// A map from its renamed states.
    public init(_ renamed: [String: String] = [:]) {
        self.renamed = renamed
    }

    /// Adds a pair such as `pay=charge`; false when the text is none.
    package mutating func add(_ pair: String) -> Bool {
        let names = pair.split(separator: "=", omittingEmptySubsequences: false)
        guard names.count == 2, !names[0].isEmpty, !names[1].isEmpty else { return false }
        self.renamed[String(names[0])] = String(names[1])
        return true
    }

    /// The name in the new version.
    public func name(of state: String) -> String { self.renamed[state] ?? state }

    /// What is wrong with the map between these two versions; `nil` when nothing is.
    ///
    /// Both graphs are asked: every renamed state exists on its side, and every state of the old version in which a run
    /// can be has one of the same kind in the new one, or none: runs in such a state are refused one by one.
    public func problem(from old: Definition, to new: Definition) -> String? {
        let (olds, news) = (Dictionary(old.kinds) { $1 }, Dictionary(new.kinds) { $1 })
        for (from, to) in self.renamed.sorted(by: { $0.key < $1.key }) {
            guard let kind = olds[from] else {
                return "\(old.key) has no state '\(from)'" + Self.hint(from, olds.keys.sorted())
            }
            guard let other = news[to] else {
                return "\(new.key) has no state '\(to)'" + Self.hint(to, news.keys.sorted())
            }
            if kind != other {
                return "'\(from)' of \(old.key) is a \(kind), '\(to)' of \(new.key) is a \(other); map it to a \(kind)"
            }
        }
        return nil
    }

    private static func hint(_ name: String, _ names: [String]) -> String {
        nearest(to: name, among: names).map { "; did you mean '\($0)'?" } ?? "; it has \(names.joined(separator: ", "))"
    }
}

extension Definition {
    fileprivate var kinds: [(String, String)] { self.states.map { ($0.name, $0.step.kind) } }
}

extension StepDefinition {
    /// What the step is, in a word.
    package var kind: String {
        switch self {
        case .task: "task"
        case .router: "router"
        case .split: "split"
        case .timer: "timer"
        case .wait: "wait"
        case .child: "child"
        case .exit: "exit"
        }
    }
}

extension Run {
    /// Goes on under another version of its workflow, in the state that stands for the one it is in.
    ///
    /// Only a run that stands between attempts can: nobody works for it now. Its visit is entered anew, so that
    /// nothing of the old version is mistaken for work of the new one; deadlines stay.
    public mutating func migrate(
        to plan: Plan,
        _ map: StateMap,
        at now: Instant
    ) throws(Refusal) -> RunDecision {
        var decision = RunDecision()
        self.clock = now
        let from = self.plan.key
        if from == plan.key { return decision }
        if let problem = map.problem(from: self.plan.definition, to: plan.definition) {
            throw Refusal(.invalidInput, problem)
        }
        try self.checkRest()
        let name = self.plan.states[self.position.state].name
        guard let state = plan.index(of: map.name(of: name)), plan.states[state].step.kind == self.step.kind else {
            let message =
                "run \(self.id) is in '\(name)', a \(self.step.kind), for which \(plan.key) has no counterpart"
            throw Refusal(.invalidInput, "\(message); map it with '\(name)=STATE'")
        }
        try self.checkPushes(plan)
        var entry = Record.Entry(
            state: plan.states[state].name,
            visit: self.position.visit + 1,
            context: self.position.context,
            trace: self.trace
        )
        entry.arrival = self.position.arrivalRecord
        entry.signals = self.signals.known(taking: nil, remembering: self.limits.signalIDs)
        entry.split = self.position.joinedFrom
        entry.branchCount = self.position.joined?.count ?? 0
        switch self.position.step {
        case .timer(let due): entry.due = due
        case .waiting(let due): entry.due = due
        case .single:
            entry.due = self.position.due
            if case .split = self.step { entry.isGathering = true }
        case .expanding, .branches, .child, .exit: break
        }
        // The record of the old version stays in the old version's terms: what follows is decided by the new one.
        let migration = Record.Migration(from: from.version, to: plan.key.version)
        self.note(.migrated(entry, migration), under: plan, in: &decision)
        self.begin(at: now, in: &decision)
        return decision
    }

    private var step: StepDefinition { self.plan.states[self.position.state].step }

    private func checkRest() throws(Refusal) {
        let isResting: Bool
        switch (self.phase, self.position.step) {
        case (.forward, .single(let unit)), (.forward, .expanding(let unit)):
            isResting = unit.lease == nil && unit.held == nil
        case (.forward, .timer), (.forward, .waiting): isResting = true
        case (.forward, .branches), (.forward, .child), (.forward, .exit), (.undoing, _), (.finished, _):
            isResting = false
        }
        guard isResting, !self.isEnding else {
            let name = self.plan.states[self.position.state].name
            let message = "run \(self.id) is in the middle of '\(name)'; migrate it when it rests between two states"
            throw Refusal(.wrongState, message)
        }
        // What was tried and not finished would be forgotten by a new visit.
        if case .single(let unit) = self.position.step, unit.cursor != nil {
            let name = self.plan.states[self.position.state].name
            let message = "run \(self.id) has a cursor in '\(name)', which a new visit would lose; migrate it behind it"
            throw Refusal(.wrongState, message)
        }
        if case .single(let unit) = self.position.step, unit.isInDoubt, self.isUndoable(.step) {
            let name = self.plan.states[self.position.state].name
            throw Refusal(.wrongState, "an attempt of '\(name)' of run \(self.id) is in doubt; let it end first")
        }
    }

    /// What was pushed is undone by the new version's tasks: they must be there, under the same names.
    private func checkPushes(_ plan: Plan) throws(Refusal) {
        for entry in self.saga {
            let name = self.plan.states[entry.state].name
            guard let state = plan.index(of: name), plan.task(entry.path, in: state)?.undo != nil else {
                let message = "run \(self.id) may have to undo '\(name)', and \(plan.key) has no undo of that name"
                throw Refusal(.invalidInput, "\(message); keep the state and its undo in the new version")
            }
        }
    }
}
