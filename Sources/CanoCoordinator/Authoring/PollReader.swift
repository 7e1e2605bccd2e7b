// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine

/// Reads what makes a task a poll: `{ every: 5s, until: [/ready, "==", true], within: 10m, errors: 4 }`, or the pause
/// alone.
struct PollReader {
    private let pause: Span
    private let within: Span?
    private let errors: Int
    /// When it is ready; `nil`: when the task ends well.
    let until: RouteRule?

    init(_ node: DocumentNode, of task: TaskReader) throws(CanoError) {
        guard node.isMapping else {
            (self.pause, self.within, self.errors, self.until) = (try node.span(), nil, 4, nil)
            return
        }
        let mapping = try DocumentMapping(node, owner: node.name, allowed: ["every", "until", "within", "errors"])
        self.pause = try mapping.required("every", for: node.name).span()
        self.until = try mapping["until"].map { node throws(CanoError) in try task.condition(node) }
        self.within = try mapping["within"]?.span()
        self.errors = try mapping["errors"]?.integer(0...node.limits.attempts - 1) ?? 4
    }

    /// Makes the task a poll; a failed question is asked again after the same pause, unless the task says otherwise.
    func apply(to task: inout TaskDefinition, hasRetry: Bool) {
        task.repetition = Repetition(.poll, pause: self.pause)
        task.within = self.within ?? task.within
        guard !hasRetry else { return }
        task.retry = .fixed(attempts: self.errors + 1, every: self.pause.duration)
    }
}
