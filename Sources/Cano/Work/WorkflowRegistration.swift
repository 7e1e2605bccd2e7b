// SPDX-License-Identifier: Apache-2.0 OR MIT

/// A typed workflow that was checked and taken apart: data for coordinators, code for workers.
struct WorkflowRegistration {
    let definition: Definition
    let handler: WorkflowHandler

    /// Throws `invalidDefinition` with all problems that the compiler could not see.
    init<W: Workflow>(_ workflow: W, limits: Limits) throws(CanoError) {
        self.definition = workflow.definition()
        var steps: [String: StepCode] = [:]
        for state in W.State.allCases { steps[state.rawValue] = workflow.step(in: state).code }
        var problems = Self.typeProblems(of: self.definition, steps)
        do {
            try self.definition.validate(limits: limits)
        } catch {
            problems.insert(error.message, at: 0)
        }
        guard problems.isEmpty else {
            throw CanoError(.invalidDefinition, "\(W.self): " + problems.joined(separator: "; "))
        }
        self.handler = WorkflowHandler(self.definition, steps: steps, limits: limits)
    }

    private static func typeProblems(of definition: Definition, _ steps: [String: StepCode]) -> [String] {
        var problems: [String] = []
        for state in definition.states {
            guard let code = steps[state.name] else { continue }
            problems += code.problems.map { "state '\(state.name)': \($0)" }
            if code.wantsBranches != nil, definition.start == state.name {
                problems.append("state '\(state.name)' has a JoinTask, but runs begin there: put a split before it")
            }
            problems += Self.arrivalProblems(of: state, code, steps, isStart: definition.start == state.name)
            for name in state.step.next {
                guard let wanted = steps[name]?.wantsBranches else { continue }
                if let output = code.branchOutput {
                    guard output != wanted else { continue }
                    problems.append(
                        "the branches of state '\(state.name)' return \(output.name), but the task of state '\(name)' "
                            + "expects \(wanted.name): make them the same"
                    )
                } else {
                    problems.append(
                        "state '\(name)' has a JoinTask, but state '\(state.name)' leads there without a split: "
                            + "use a ContextTask or another edge"
                    )
                }
            }
        }
        return problems
    }

    /// What a wait or a child hands over must be what the task behind it takes.
    private static func arrivalProblems(
        of state: StateDefinition,
        _ code: StepCode,
        _ steps: [String: StepCode],
        isStart: Bool
    ) -> [String] {
        var problems: [String] = []
        if let wanted = code.wantsArrival, isStart {
            let message = "state '\(state.name)' expects \(wanted.name), but runs begin there"
            problems.append("\(message): put a wait or a child before it")
        }
        for name in state.step.next {
            guard let wanted = steps[name]?.wantsArrival else { continue }
            let given = name == code.lateState ? nil : code.arrival
            guard given != wanted else { continue }
            let message = "the task of state '\(name)' expects \(wanted.name), but state '\(state.name)' hands it "
            problems.append("\(message)\(given?.name ?? "nothing"): make them the same, or use a ContextTask")
        }
        return problems
    }
}
