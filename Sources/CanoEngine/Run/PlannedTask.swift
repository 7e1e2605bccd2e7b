// SPDX-License-Identifier: Apache-2.0 OR MIT

/// A task of a plan with what runs ask about it all the time: passed around by reference, nothing of it is copied.
final class PlannedTask: Sendable {
    let definition: TaskDefinition
    /// Who can do it.
    let capability: Capability
    let hedge: Span?
    let startWithin: Span?
    let timeout: Span?
    let repetition: Repetition?
    let isLocal: Bool
    /// What must allow an attempt; `nil` when nothing must.
    let limits: [DeclaredLimit]?
    /// What a worker needs to know to do it.
    let work: Shared<LeaseGrant.Work>
    /// The same for its undo; `nil` when it has none.
    let undoWork: Shared<LeaseGrant.Work>?

    init(_ definition: TaskDefinition, in state: String, next: [String], of key: DefinitionKey, digest: String) {
        self.definition = definition
        self.capability =
            definition.handler == TaskDefinition.compiledHandler
            ? .compiled(digest: digest) : .handler(definition.handler)
        self.hedge = definition.hedge
        self.startWithin = definition.startWithin
        self.timeout = definition.timeout
        self.repetition = definition.repetition
        self.isLocal = definition.isLocal
        self.limits = definition.limits.flatMap { $0.isEmpty ? nil : $0 }
        let work = LeaseGrant.Work(
            definition: key,
            digest: digest,
            state: state,
            handler: definition.handler,
            arguments: definition.arguments,
            next: next,
            timeout: definition.timeout,
            heartbeat: definition.heartbeat
        )
        self.work = Shared(work)
        self.undoWork = definition.undo.map { undo in
            var back = work
            (back.arguments, back.timeout) = (undo.arguments, undo.timeout)
            (back.next, back.heartbeat) = ([], nil)
            return Shared(back)
        }
    }

    var undo: UndoDefinition? { self.definition.undo }

    var isUndoable: Bool { self.undoWork != nil }
}
