// SPDX-License-Identifier: Apache-2.0 OR MIT

extension Definition {
    /// Checks that the definition can run: names, edges, thresholds and limits.
    ///
    /// Throws one `invalidDefinition` whose message lists every problem in one line, each with its remedy.
    public func validate(limits: Limits = Limits()) throws(CanoError) {
        var report = DefinitionReport(limits: limits)
        report.check(self)
        guard let message = report.message(for: self) else { return }
        throw CanoError(.invalidDefinition, message)
    }
}

/// Collects what is wrong with a definition.
private struct DefinitionReport {
    /// More problems than these are counted, not listed.
    private static let listedProblems = 100

    let limits: Limits
    private var problems: [String] = []

    init(limits: Limits) {
        self.limits = limits
    }

    func message(for definition: Definition) -> String? {
        guard !self.problems.isEmpty else { return nil }
        let listed = self.problems.prefix(Self.listedProblems).joined(separator: "; ")
        let more = self.problems.count - Self.listedProblems
        return "workflow \(quoted(definition.name)) version \(definition.version) cannot run: \(listed)"
            + (more > 0 ? "; and \(more) more" : "")
    }

    mutating func check(_ definition: Definition) {
        self.check(name: definition.name, of: "the workflow")
        if definition.version < 1 {
            self.problems.append("version \(definition.version) is below 1: versions count from 1")
        }
        if definition.version > Definition.lastVersion {
            self.problems.append("version \(definition.version) is above \(Definition.lastVersion): use a smaller one")
        }
        self.check(span: definition.timeout, "the workflow's timeout")
        self.check(definition.context, "the context")
        if definition.states.count > self.limits.states {
            self.problems.append(
                "\(definition.states.count) states are over the limit of \(self.limits.states): "
                    + "divide the workflow or raise Limits.states"
            )
        }
        for state in definition.states {
            self.check(name: state.name, of: "a state")
            self.check(state.step, of: "state \(quoted(state.name))")
        }
        self.checkEdges(of: definition)
    }

    // MARK: The graph

    private mutating func checkEdges(of definition: Definition) {
        let names = definition.states.map(\.name)
        let known = Set(names)
        var seen: Set<String> = []
        var repeated: Set<String> = []
        for name in names where !seen.insert(name).inserted && repeated.insert(name).inserted {
            self.problems.append("state \(quoted(name)) is there twice: rename one of the two")
        }
        for state in definition.states {
            let next = state.step.next
            for name in next where !known.contains(name) {
                self.problems.append(
                    "state \(quoted(state.name)) leads to \(quoted(name)), which does not exist: "
                        + self.suggestion(for: name, among: names)
                )
            }
            if Set(next).count < next.count {
                self.problems.append("state \(quoted(state.name)) names a next state twice: name each one once")
            }
        }
        if !definition.states.contains(where: { $0.step.isExit }) {
            self.problems.append("there is no exit: add a state that ends the run")
        }
        guard known.contains(definition.start) else {
            self.problems.append(
                "the start state \(quoted(definition.start)) does not exist: "
                    + self.suggestion(for: definition.start, among: names)
            )
            return
        }
        let reachable = definition.reachableStates
        for name in names where !reachable.contains(name) && seen.remove(name) != nil {
            self.problems.append(
                "state \(quoted(name)) cannot be reached from \(quoted(definition.start)): lead to it or remove it"
            )
        }
    }

    /// What to do about an unknown name.
    ///
    /// Comparing names costs time, so it is done only for problems that are listed.
    private func suggestion(for name: String, among names: [String]) -> String {
        let known = self.problems.count < Self.listedProblems ? nearest(to: name, among: names) : nil
        return known.map { "did you mean \(quoted($0))?" } ?? "add it or name another"
    }

    // MARK: Steps

    private mutating func check(_ step: StepDefinition, of owner: String) {
        switch step {
        case .task(let task, let next), .router(let task, let next):
            if next.isEmpty { self.problems.append("\(owner) leads nowhere: name its next states in `to`") }
            self.check(task, of: owner)
            self.check(span: task.within, "the deadline of \(owner)")
            if task.isLocal, task.repetition != nil {
                self.problems.append("\(owner) is local and repeats: local work is done in one go, choose one of both")
            }
            if case .router = step {
                if task.undo != nil {
                    self.problems.append("\(owner) has an undo: a router only chooses the next state, remove the undo")
                }
                self.forbidRepetition(of: task, owner, "a router chooses the next state in one attempt")
            }
        case .split(let split, _):
            self.check(split, of: owner)
        case .wait(let wait, _):
            self.check(name: wait.signal, of: "the signal of \(owner)")
            self.check(span: wait.within, "the wait's time of \(owner)")
            if wait.timeoutTo != nil, wait.within == nil {
                self.problems.append("\(owner) says where a timeout leads, but not when: set `within`")
            }
        case .child(let child, _):
            self.check(child.input, of: "the input of \(owner)")
            self.check(name: child.workflow, of: "the child workflow of \(owner)")
            if let version = child.version, version < 1 {
                self.problems.append("the child of \(owner) has version \(version): versions count from 1")
            }
            if child.input.undo != nil {
                self.problems.append("the input of \(owner) has an undo: it only makes a context, remove the undo")
            }
        case .timer(let span, _):
            self.check(longest: span, "the timer of \(owner)")
        case .exit:
            break
        }
    }

    private mutating func check(_ split: SplitDefinition, of owner: String) {
        var parts: [(task: TaskDefinition, name: String)] = []
        switch split.work {
        case .each(let expand, let branch):
            parts = [(expand, "the expansion of \(owner)"), (branch, "the branch of \(owner)")]
            if expand.undo != nil {
                self.problems.append("the expansion of \(owner) has an undo: it only makes items, remove the undo")
            }
            self.forbidRepetition(of: expand, "the expansion of \(owner)", "items are made in one attempt")
        case .fixed(let branches):
            parts = branches.enumerated().map { ($1, "branch \($0) of \(owner)") }
            if branches.isEmpty { self.problems.append("\(owner) has no branches: name at least one") }
            self.check(threshold: branches.count, "the number of branches of \(owner)")
            let required = split.join.required(of: branches.count)
            if required > branches.count {
                self.problems.append(
                    "the join of \(owner) asks for \(required) of \(branches.count) branches: lower it"
                )
            }
        }
        if let gather = split.gather { parts.append((gather, "the gathering of \(owner)")) }
        for part in parts {
            self.check(part.task, of: part.name)
            if part.task.within != nil {
                self.problems.append("\(part.name) has a deadline: bound the branches with the join's time")
            }
            if part.task.isLocal { self.problems.append("\(part.name) is local: only the task of a state can be") }
        }
        self.check(split.join, of: owner)
        if let inFlight = split.inFlight, inFlight < 1 {
            self.problems.append("\(owner) lets \(inFlight) branches run at once: use 1 or more, or leave it out")
        }
        if split.gather == nil, !split.choices.isEmpty {
            self.problems.append("\(owner) may go on to several states, but nothing chooses one: add a gathering task")
        }
    }

    private mutating func forbidRepetition(of task: TaskDefinition, _ owner: String, _ why: String) {
        guard task.repetition != nil else { return }
        self.problems.append("\(owner) repeats: \(why), use a task")
    }

    private mutating func check(_ repetition: Repetition, hedge: Span?, of owner: String) {
        if repetition.kind == .stream, hedge != nil {
            self.problems.append(
                "\(owner) is a stream and hedged: two workers would share one cursor, choose one of both"
            )
        }
        self.check(span: repetition.pause, "the pause of \(owner)")
        if let budget = repetition.errorBudget, budget < 0 {
            self.problems.append("\(owner) tolerates \(budget) failures: use 0 or more, or leave it out")
        }
    }

    private mutating func check(_ task: TaskDefinition, of owner: String) {
        self.check(name: task.handler, of: "the handler of \(owner)")
        if task.name.isEmpty || task.name.count > self.limits.nameCharacters {
            self.problems.append(
                "the task name \(quoted(task.name)) of \(owner) has \(task.name.count) characters: "
                    + "use 1 to \(self.limits.nameCharacters)"
            )
        } else if task.name.contains(where: \.isControl) {
            self.problems.append("the task name \(quoted(task.name)) of \(owner) has control characters: remove them")
        }
        self.check(task.arguments, "the arguments of \(owner)")
        self.check(task.retry, of: owner)
        self.check(span: task.timeout, "the timeout of \(owner)")
        self.check(span: task.startWithin, "the time to start of \(owner)")
        self.check(span: task.heartbeat, "the heartbeat of \(owner)")
        self.check(span: task.hedge, "the hedging of \(owner)")
        if let repetition = task.repetition { self.check(repetition, hedge: task.hedge, of: owner) }
        if let undo = task.undo {
            self.check(undo.arguments, "the undo's arguments of \(owner)")
            self.check(undo.retry, of: "the undo of \(owner)")
            self.check(span: undo.timeout, "the undo's timeout of \(owner)")
        }
    }

    private mutating func check(_ join: JoinPolicy, of owner: String) {
        switch join.rule {
        case .all, .any:
            break
        case .quorum(let count):
            if count < 1 { self.problems.append("the quorum of \(owner) is \(count): ask for 1 branch or more") }
            self.check(threshold: count, "the quorum of \(owner)")
        case .quorumPercent(let percent):
            if !(percent > 0 && percent <= 100) {
                self.problems.append("the quorum of \(owner) is \(percent) %: choose a share above 0 and up to 100")
            }
        case .partial(let count):
            if count < 0 { self.problems.append("the join of \(owner) asks for \(count) branches: use 0 or more") }
            self.check(threshold: count, "the join of \(owner)")
        }
        self.check(span: join.within, "the join's time of \(owner)")
    }

    private mutating func check(threshold: Int, _ what: String) {
        if threshold > self.limits.branches {
            self.problems.append(
                "\(what) is \(threshold), but no split may have more than \(self.limits.branches) branches: lower it"
            )
        }
    }

    private mutating func check(_ retry: RetryPolicy, of owner: String) {
        if !(1...max(1, self.limits.attempts)).contains(retry.maximumAttempts) {
            self.problems.append(
                "\(owner) asks for \(retry.maximumAttempts) attempts: use 1 to \(self.limits.attempts)"
            )
        }
        if !(0...1).contains(retry.jitter) {
            self.problems.append("the jitter of \(owner) is \(retry.jitter): use a part from 0 to 1")
        }
        if !(1...RetryPolicy.steepest).contains(retry.multiplier) {
            self.problems.append(
                "the multiplier of \(owner) is \(retry.multiplier): use 1 (constant) to \(RetryPolicy.steepest)"
            )
        }
        self.check(longest: retry.initialDelay, "the delay of \(owner)")
        self.check(longest: retry.maximumDelay, "the longest delay of \(owner)")
        self.check(span: retry.maximumElapsed, "the retry time of \(owner)")
        for (code, policy) in retry.overrides.sorted(by: { $0.key < $1.key }) {
            self.check(policy, of: "\(owner) after \(quoted(code))")
            if !policy.overrides.isEmpty {
                self.problems.append("\(owner) has overrides within those for \(quoted(code)): put them side by side")
            }
        }
    }

    // MARK: Values

    private mutating func check(name: String, of owner: String) {
        guard !name.isEmpty else {
            self.problems.append("the name of \(owner) is empty: give it one")
            return
        }
        if name.count > self.limits.nameCharacters {
            self.problems.append(
                "the name \(quoted(name)) of \(owner) has \(name.count) characters: "
                    + "use \(self.limits.nameCharacters) or fewer"
            )
        }
        let isPlain = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."): true
            default: false
            }
        }
        if !isPlain || name.hasPrefix("-") || name.hasPrefix(".") {
            self.problems.append(
                "the name \(quoted(name)) of \(owner) is not allowed: use letters, digits, - _ . of ASCII, "
                    + "with a letter, a digit or _ first"
            )
        }
    }

    private mutating func check(_ payload: Payload?, _ what: String) {
        guard let payload else { return }
        if payload.count > self.limits.payloadBytes {
            self.problems.append(
                "\(what) has \(payload.count) bytes, over the limit of \(self.limits.payloadBytes): "
                    + "make it smaller or raise Limits.payloadBytes"
            )
        }
        if payload.type != .binary, String(validating: payload.bytes, as: UTF8.self) == nil {
            self.problems.append("\(what) is marked as text and is not UTF-8: correct the bytes or mark them as binary")
        }
    }

    private mutating func check(span: Span?, _ what: String) {
        if let span, span.milliseconds == 0 {
            self.problems.append("\(what) is zero: use a millisecond or more, or leave it out")
        }
        if let span { self.check(longest: span, what) }
    }

    private mutating func check(longest span: Span, _ what: String) {
        if span > self.limits.longestSpan {
            self.problems.append(
                "\(what) is \(span.milliseconds) ms, over the limit of \(self.limits.longestSpan.milliseconds) ms: "
                    + "shorten it"
            )
        }
    }
}

extension Definition {
    /// The highest version: stores keep it in 32 bits.
    package static let lastVersion = Int(Int32.max)
}

extension StepDefinition {
    /// The states that may come next, in the order in which they were declared.
    package var next: [String] {
        switch self {
        case .task(_, let next), .router(_, let next): next
        case .split(let split, let next): [next] + split.choices
        case .timer(_, let next), .child(_, let next): [next]
        case .wait(let wait, let next): [next] + (wait.timeoutTo.map { [$0] } ?? [])
        case .exit: []
        }
    }

    /// Whether the run ends here.
    package var isExit: Bool {
        if case .exit = self { true } else { false }
    }
}

extension Definition {
    /// The states that a run can come to.
    fileprivate var reachableStates: Set<String> {
        let edges = Dictionary(self.states.map { ($0.name, $0.step.next) }, uniquingKeysWith: +)
        var reached: Set<String> = [self.start]
        var waiting = [self.start]
        while let state = waiting.popLast() {
            for next in edges[state] ?? [] where reached.insert(next).inserted { waiting.append(next) }
        }
        return reached
    }
}

/// A name between quotes, on one line and not too long, whatever is in it.
private func quoted(_ name: String) -> String {
    let line = String(name.prefix(80).map { $0.isNewline || $0.isControl ? "?" : $0 })
    return name.count > 80 ? "'\(line)…'" : "'\(line)'"
}

extension Character {
    fileprivate var isControl: Bool {
        self.unicodeScalars.contains { $0.properties.generalCategory == .control }
    }
}

/// The name that a typing error most probably meant; `nil` when none is near.
package func nearest(to name: String, among names: [String]) -> String? {
    let wanted = Array(name.prefix(80).lowercased())
    let allowed = min(max(2, wanted.count / 3), wanted.count - 1)
    let candidates = names.map { (name: $0, distance: editDistance(wanted, Array($0.prefix(80).lowercased()))) }
    guard let best = candidates.min(by: { $0.distance < $1.distance }), best.distance <= allowed else { return nil }
    return best.name
}

/// How many insertions, deletions and replacements lead from one text to the other.
private func editDistance(_ left: [Character], _ right: [Character]) -> Int {
    var row = Array(0...right.count)
    for (index, character) in left.enumerated() {
        var diagonal = row[0]
        row[0] = index + 1
        for (column, other) in right.enumerated() {
            let replaced = diagonal + (character == other ? 0 : 1)
            diagonal = row[column + 1]
            row[column + 1] = min(replaced, row[column] + 1, row[column + 1] + 1)
        }
    }
    return row[right.count]
}
