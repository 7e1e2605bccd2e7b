// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import Logging

/// Runs one lease in the task that calls it, and puts the result into the mailbox.
struct LeaseRunner: Sendable {
    let catalogue: WorkCatalogue
    let mailbox: Mailbox
    let logger: Logger
    let tasks = RunningTasks()
    let checkpoints = CheckpointWaiters()

    func run(_ grant: LeaseGrant) async {
        let result = await self.tasks.run(grant.lease) { await self.perform(grant) }
        self.mailbox.put(.event(.finished(grant.lease, result)))
    }

    private func perform(_ grant: LeaseGrant) async -> AttemptReport.Result {
        guard let handler = self.catalogue.handler(for: grant) else {
            return .failed(self.unknown(grant), retryAfter: nil)
        }
        let (mailbox, lease) = (self.mailbox, grant.lease)
        let context = TaskContext(
            grant: grant,
            deadline: grant.timeout.map { .now.advanced(by: $0.duration) },
            logger: self.logger,
            onProgress: { mailbox.putProgress(lease, $0) },
            onCheckpoint: { [checkpoints] cursor in
                try await checkpoints.checkpoint(lease, cursor) { mailbox.put(.event(.checkpoint($0))) }
            }
        )
        return await handler.perform(grant, context)
    }

    private func unknown(_ grant: LeaseGrant) -> Failure {
        let remedy =
            grant.handler == TaskDefinition.compiledHandler
            ? "start one that was built with this version of the workflow"
            : "start one with --allow-\(grant.handler)"
        return Failure(
            code: "unknownHandler",
            message: "this worker has no handler '\(grant.handler)' for state '\(grant.state)' of \(grant.definition); "
                + remedy,
            isRetryable: false
        )
    }
}
