// SPDX-License-Identifier: Apache-2.0 OR MIT

extension Run {
    /// A person decides about work that cannot go on by itself.
    public mutating func intervene(
        _ intervention: Intervention,
        by caller: String,
        at now: Instant
    ) throws(Refusal) -> RunDecision {
        self.clock = now
        let paths = try self.paths(of: intervention)
        if intervention.verb == .resolve { try self.checkResolution(intervention, of: paths) }
        var decision = RunDecision()
        for path in paths {
            // The work of an earlier path may have decided what becomes of this one.
            guard self.isStuck(path) else { continue }
            self.note(.intervened(path, intervention.verb, by: caller, note: intervention.note), in: &decision)
            self.act(on: path, intervention, by: caller, at: now, in: &decision)
        }
        return decision
    }

    private mutating func act(
        on path: WorkPath,
        _ intervention: Intervention,
        by caller: String,
        at now: Instant,
        in decision: inout RunDecision
    ) {
        if case .child = self.position.step, case .forward = self.phase {
            return self.settle(at: now, in: &decision)
        }
        switch intervention.verb {
        case .retry: self.offerAgain(path, at: now, in: &decision)
        case .skip: self.giveUp(path, by: caller, intervention.note, at: now, in: &decision)
        case .resolve: self.resolve(path, intervention, at: now, in: &decision)
        }
    }

    private mutating func giveUp(
        _ path: WorkPath,
        by caller: String,
        _ note: String?,
        at now: Instant,
        in decision: inout RunDecision
    ) {
        let message = "given up by \(caller)" + (note.map { ": \($0)" } ?? "")
        let failure = self.cut(Failure(code: "givenUp", message: message, isRetryable: false))
        let attempt = Record.Attempt(number: self.unit(path, visit: self.visit(of: path))?.attempt ?? 1)
        switch path {
        case .step, .expand:
            self.note(.cancelRequested(.failed(failure), settleBy: nil), in: &decision)
            self.settle(at: now, in: &decision)
        case .branch(let index): self.failBranch(index, attempt, failure, at: now, in: &decision)
        case .undo:
            guard let entry = self.saga.last else { return }
            self.note(.compensated(entry: entry.seq, nil, failure: failure), in: &decision)
            self.undoNext(at: now, in: &decision)
        }
    }

    private mutating func resolve(
        _ path: WorkPath,
        _ intervention: Intervention,
        at now: Instant,
        in decision: inout RunDecision
    ) {
        switch path {
        case .step:
            // What was done by hand, or by an attempt that nobody heard of, is undone without an output.
            self.pushDoubts(in: &decision)
            self.move(to: intervention.next, context: intervention.output, cause: nil, at: now, in: &decision)
        case .expand: break  // refused before
        case .branch:
            let number = self.unit(path, visit: self.position.visit)?.attempt ?? 1
            let output = intervention.output ?? .emptyObject
            self.completeBranch(path, Record.Attempt(number: number), output, at: now, in: &decision)
        case .undo:
            guard let entry = self.saga.last else { return }
            self.note(.compensated(entry: entry.seq, nil, failure: nil), in: &decision)
            self.undoNext(at: now, in: &decision)
        }
    }

    // MARK: What is stuck

    /// Everything that only a person can move.
    public var stuckPaths: [WorkPath] {
        self.units.filter { $0.unit.state == .parked }.map(\.key.path)
    }

    private func isStuck(_ path: WorkPath) -> Bool {
        if case .forward = self.phase, case .child = self.position.step { return true }
        return self.unit(path, visit: self.visit(of: path))?.state == .parked
    }

    private func paths(of intervention: Intervention) throws(Refusal) -> [WorkPath] {
        if case .forward = self.phase, self.isEnding, case .child(let child) = self.position.step {
            guard intervention.verb == .skip, self.awaits(child) else {
                let message = "run \(self.id) ends and waits for its child \(child.run); only `skip` makes it go on"
                throw Refusal(.wrongState, message)
            }
            return [.expand]
        }
        let stuck = self.stuckPaths
        guard !stuck.isEmpty else {
            let message = "run \(self.id) is not blocked: there is nothing to \(intervention.verb.rawValue)"
            throw Refusal(.wrongState, message)
        }
        guard let path = intervention.path else { return stuck }
        guard stuck.contains(path) else {
            let list = stuck.prefix(5).map(\.description).joined(separator: ", ")
            throw Refusal(.wrongState, "'\(path)' of run \(self.id) is not blocked; blocked are: \(list)")
        }
        return [path]
    }

    private func checkResolution(_ intervention: Intervention, of paths: [WorkPath]) throws(Refusal) {
        let name = self.plan.states[self.position.state].name
        if let output = intervention.output, output.count > self.limits.payloadBytes {
            let size = "the payload has \(output.count) bytes, more than payloadBytes (\(self.limits.payloadBytes))"
            throw Refusal(.limitExceeded, size)
        }
        for path in paths {
            switch path {
            case .step:
                let choices = self.plan.states[self.position.state].next
                let list = choices.joined(separator: ", ")
                if let next = intervention.next, !choices.contains(next) {
                    throw Refusal(.invalidInput, "'\(name)' does not lead to '\(next)'; it leads to \(list)")
                }
                if intervention.next == nil, choices.count > 1 {
                    throw Refusal(.invalidInput, "say which state follows '\(name)': \(list)")
                }
            case .expand:
                throw Refusal(.wrongState, "the items of '\(name)' cannot be made by hand; use `retry` or `skip`")
            case .branch:
                guard intervention.output == nil else { continue }
                throw Refusal(.invalidInput, "say what '\(path)' of '\(name)' returned: its output is the payload")
            case .undo: break
            }
        }
    }
}
