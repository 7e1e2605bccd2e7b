// SPDX-License-Identifier: Apache-2.0 OR MIT

/// Finds what is wrong with the limits that a definition declares.
enum LimitReport {
    /// Every problem, each with its remedy.
    static func problems(of definition: Definition, limits: Limits) -> [String] {
        var problems: [String] = []
        var known: [LimitID: (limit: DeclaredLimit, owner: String)] = [:]
        for (owner, task) in definition.states.flatMap(Self.tasks) {
            guard let declared = task.limits else { continue }
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

    private static func tasks(of state: StateDefinition) -> [(owner: String, task: TaskDefinition)] {
        let owner = "state '\(state.name)'"
        switch state.step {
        case .task(let task, _), .router(let task, _): return [(owner, task)]
        case .split(let split, _):
            return [("the expansion of \(owner)", split.expand), ("the branch of \(owner)", split.branch)]
        case .timer, .exit: return []
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

extension StepDefinition {
    /// Whether any work of the state declares limits.
    package var declaresLimits: Bool {
        switch self {
        case .task(let task, _), .router(let task, _): !(task.limits ?? []).isEmpty
        case .split(let split, _): !(split.expand.limits ?? []).isEmpty || !(split.branch.limits ?? []).isEmpty
        case .timer, .exit: false
        }
    }
}
