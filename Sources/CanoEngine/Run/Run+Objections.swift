// SPDX-License-Identifier: Apache-2.0 OR MIT

extension Run {
    /// What is wrong with an outcome; `nil` when it can be accepted.
    ///
    /// An objection fails the attempt by name.
    func objection(to completion: AttemptReport.Completion, of path: WorkPath) -> Failure? {
        let name = self.plan.states[self.position.state].name
        switch (completion, path, self.plan.states[self.position.state].step) {
        case (.task(let context, let next, let output), .step, .task),
            (.task(let context, let next, let output), .step, .split):
            return self.tooLarge(context, "the context after '\(name)'")
                ?? self.tooLarge(output, "the output of '\(name)'")
                ?? self.undeclared(next, of: name)
        case (.route(let next), .step, .router): return self.undeclared(next, of: name)
        case (.items(let items), .expand, .split): return self.objection(toItems: items, of: name)
        case (.items(let items), .expand, .child): return self.objection(toChildInput: items, of: name)
        case (.output(let output), .branch(let index), .split):
            return self.tooLarge(output, "the output of branch \(index) of '\(name)'")
                ?? self.tooMuchToJoin(output, index: index, of: name)
        case (.undone, .undo, _): return nil
        case (.again(let cursor, _), .step, .task), (.again(let cursor, _), .step, .split),
            (.again(let cursor, _), .branch, .split):
            return self.notRepeated(path, of: name) ?? self.tooLarge(cursor, "the cursor of '\(name)' (\(path))")
        case (.task, _, _), (.route, _, _), (.items, _, _), (.output, _, _), (.undone, _, _), (.again, _, _):
            let message = "the worker answered '\(name)' (\(path)) with the outcome of another kind of work; update it"
            return Failure(code: "protocolViolation", message: message, isRetryable: false)
        }
    }

    private func tooLarge(_ payload: Payload?, _ what: @autoclosure () -> String) -> Failure? {
        guard let payload, payload.count > self.limits.payloadBytes else { return nil }
        return Self.limit("\(what()) has \(payload.count) bytes, more than payloadBytes (\(self.limits.payloadBytes))")
    }

    private func notRepeated(_ path: WorkPath, of name: String) -> Failure? {
        guard self.task(path)?.repetition == nil else { return nil }
        let message = "'\(name)' (\(path)) asks for another attempt, but its definition says that one is enough"
        return Failure(code: "protocolViolation", message: message, isRetryable: false)
    }

    private func undeclared(_ next: String?, of name: String) -> Failure? {
        let choices = self.plan.states[self.position.state].next
        guard let next else {
            guard choices.count > 1 else { return nil }
            let message = "'\(name)' chose no next state; it declares \(choices.joined(separator: ", "))"
            return Failure(code: "undeclaredState", message: message, isRetryable: false)
        }
        guard !choices.contains(next) else { return nil }
        let message = "'\(name)' chose '\(next)'; it declares \(choices.joined(separator: ", "))"
        return Failure(code: "undeclaredState", message: message, isRetryable: false)
    }

    private func objection(toChildInput items: [Payload], of name: String) -> Failure? {
        guard let context = items.first, items.count == 1 else {
            let message = "the input of '\(name)' made \(items.count) contexts; a child has exactly one"
            return Failure(code: CanoError.Code.invalidInput.name, message: message, isRetryable: false)
        }
        return self.tooLarge(context, "the context of the child of '\(name)'")
    }

    private func objection(toItems items: [Payload], of name: String) -> Failure? {
        if items.count > self.limits.branches {
            return Self.limit("'\(name)' makes \(items.count) branches, more than branches (\(self.limits.branches))")
        }
        if let index = items.firstIndex(where: { $0.count > self.limits.payloadBytes }) {
            return self.tooLarge(items[index], "item \(index) of '\(name)'")
        }
        let bytes = PayloadList.encodedCount(items)
        guard bytes > self.limits.splitBytes else { return nil }
        return Self.limit(
            "the items of '\(name)' have \(bytes) bytes, more than splitBytes (\(self.limits.splitBytes))"
        )
    }

    private func tooMuchToJoin(_ output: Payload, index: Int, of name: String) -> Failure? {
        guard case .branches(let branches) = self.position.step else { return nil }
        let bytes = branches.outputBytes + output.count
        guard bytes > self.limits.joinBytes else { return nil }
        return Self.limit(
            "with branch \(index) the outputs of '\(name)' would have \(bytes) bytes, more than joinBytes "
                + "(\(self.limits.joinBytes)); return less from each branch"
        )
    }

    private static func limit(_ message: String) -> Failure {
        Failure(code: CanoError.Code.limitExceeded.name, message: message, isRetryable: false)
    }
}
