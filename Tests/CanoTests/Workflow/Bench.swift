// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import Logging
import Testing

/// Grants leases of one workflow to its handler, as a worker does.
struct Bench {
    private let catalogue: WorkCatalogue
    private let definition: Definition
    private let digest: String

    init(_ workflow: some Workflow, limits: Limits = Limits()) throws {
        var catalogue = WorkCatalogue()
        try catalogue.add(workflow, limits: limits)
        self.catalogue = catalogue
        self.definition = workflow.definition()
        self.digest = self.definition.digest
    }

    func perform(
        _ state: String,
        _ input: LeaseGrant.Input,
        timeout: Span? = nil,
        deadline: ContinuousClock.Instant? = nil,
        cursor: Payload? = nil
    ) async -> AttemptReport.Result {
        let run = RunID(at: Instant(microseconds: 0), shard: ShardID(rawValue: 1), random: (1, 2))
        let path: WorkPath =
            switch input {
            case .task, .router: .step
            case .expand: .expand
            case .branch(let index, _, _): .branch(index)
            case .undo: .undo(seq: 4)
            }
        let grant = LeaseGrant(
            lease: LeaseRef(
                key: WorkKey(run: run, visit: 3, path: path),
                attempt: 2,
                token: Token(epoch: Epoch(rawValue: 1), counter: 1)
            ),
            definition: self.definition.key,
            digest: self.digest,
            state: state,
            handler: TaskDefinition.compiledHandler,
            arguments: nil,
            next: self.definition.states.first { $0.name == state }?.step.next ?? [],
            timeout: timeout,
            input: input,
            cursor: cursor
        )
        let task = TaskContext(grant: grant, deadline: deadline, logger: Logger(label: "test")) { _ in }
        guard let handler = self.catalogue.handler(for: grant) else {
            Issue.record("no handler for \(state)")
            return .released
        }
        return await handler.perform(grant, task)
    }
}
