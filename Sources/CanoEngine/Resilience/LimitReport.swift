// SPDX-License-Identifier: Apache-2.0 OR MIT

/// Finds what is wrong with the limits that a definition declares.
enum LimitReport {
    /// Every problem, each with its remedy.
    static func problems(of definition: Definition, limits: Limits) -> [String] {
        var problems: [String] = []
        var known: [LimitID: (limit: DeclaredLimit, owner: String)] = [:]
        for (owner, task, step) in definition.states.flatMap({ state in
            Self.tasks(of: state).map { ($0.owner, $0.task, state.step) }
        }) {
            guard let declared = task.limits, !declared.isEmpty else { continue }
            if case .router = step {
                problems.append("\(owner) is a router and declares limits: it calls nobody, so declare them for a task")
            }
            if task.isLocal {
                problems.append("\(owner) is local and declares limits: nobody grants it, so remove one of the two")
            }
            if declared.count > limits.limitsPerTask {
                problems.append("\(owner) declares \(declared.count) limits: use \(limits.limitsPerTask) or fewer")
            }
            var seen: Set<LimitID> = []
            for limit in declared {
                problems += Self.nameProblems(limit, owner, limits)
                problems += limit.problems.map { "the \(limit.id) of \(owner) cannot be: \($0)" }
                if !seen.insert(limit.id).inserted {
                    problems.append("\(owner) declares the \(limit.id) twice: once is enough")
                } else if let first = known[limit.id], first.limit != limit {
                    problems.append(
                        "the \(limit.id) of \(owner) differs from that of \(first.owner): "
                            + "give both the same numbers or two names"
                    )
                }
                known[limit.id] = known[limit.id] ?? (limit, owner)
            }
        }
        return problems
    }

    static func tasks(of state: StateDefinition) -> [(owner: String, task: TaskDefinition)] {
        let owner = "state '\(state.name)'"
        switch state.step {
        case .task(let task, _), .router(let task, _): return [(owner, task)]
        case .split(let split, _):
            var tasks: [(owner: String, task: TaskDefinition)] = []
            switch split.work {
            case .each(let expand, let branch):
                tasks = [("the expansion of \(owner)", expand), ("the branch of \(owner)", branch)]
            case .fixed(let branches):
                tasks = branches.enumerated().map { ("branch \($0) of \(owner)", $1) }
            }
            if let gather = split.gather { tasks.append(("the last task of \(owner)", gather)) }
            return tasks
        case .child(let child, _): return [("the input of \(owner)", child.input)]
        case .wait, .timer, .exit: return []
        }
    }

    private static func nameProblems(_ limit: DeclaredLimit, _ owner: String, _ limits: Limits) -> [String] {
        let isLong = limit.name.count > limits.nameCharacters
        let isPlain = limit.name.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
        guard limit.name.isEmpty || isLong || !isPlain else { return [] }
        return [
            "the name of a \(limit.id.kind.rawValue) limit of \(owner) has \(limit.name.count) characters, or control "
                + "characters: use 1 to \(limits.nameCharacters) that can be read"
        ]
    }
}

extension StateDefinition {
    /// Whether any work of the state declares limits.
    package var declaresLimits: Bool {
        LimitReport.tasks(of: self).contains { !($0.task.limits ?? []).isEmpty }
    }
}
