// SPDX-License-Identifier: Apache-2.0 OR MIT

public import Cano
public import CanoEngine

extension CanoClient {
    /// Starts a run of a typed workflow, or finds the one that has the key.
    ///
    /// The workflow must be known to the coordinator: a worker that has its code registers it when it connects.
    ///
    /// - Parameters:
    ///   - workflow: the workflow; its name and version say what is started.
    ///   - context: the context of the start state.
    ///   - key: the user's name for the run; the same key and context name the same run until its retention ends.
    /// - Returns: the run, to wait for or to cancel.
    /// - Throws: ``CanoError``, `unknownWorkflow` when nobody has registered this version, `keyInUse` when the key
    ///   belongs to a run with another context.
    public func start<W: Workflow>(
        _ workflow: W.Type,
        context: W.Context,
        key: String? = nil
    ) async throws -> RemoteRun<W> {
        let payload = try Payload(encoding: context, what: "the context of \(W.name)")
        let request = StartRequest(workflow: W.name, version: W.version, key: key, context: payload)
        let started = try await self.start(request)
        return RemoteRun(id: started.id, isNew: started.isNew, client: self)
    }

    /// A run of a typed workflow that was started before.
    public func run<W: Workflow>(_ id: RunID, of workflow: W.Type) -> RemoteRun<W> {
        RemoteRun(id: id, isNew: false, client: self)
    }
}

/// A run of a typed workflow on a cluster.
public struct RemoteRun<W: Workflow>: Sendable {
    /// The run.
    public let id: RunID
    /// Whether the start created it; false when its key named a run that was there.
    public let isNew: Bool

    let client: CanoClient

    /// Waits until the run has ended and returns its final context.
    ///
    /// - Parameter timeout: how long to wait; `nil` for ever.
    /// - Returns: the context of the exit state.
    /// - Throws: ``CanoError``, `runFailed` when the run failed or its time ran out, `cancelled` when it was cancelled,
    ///   `unreachable` when it has not ended in time.
    public func outcome(timeout: Duration? = nil) async throws -> W.Context {
        let run = try await self.client.waitUntilFinished(self.id, timeout: timeout)
        let note = run.note.map { ": \($0)" } ?? ""
        switch run.status {
        case .succeeded:
            let context = run.context ?? .emptyObject
            return try context.decoded(as: W.Context.self, what: "the context of run \(self.id)")
        case .failed:
            throw CanoError(.runFailed, "run \(self.id) of \(W.name) failed\(note)")
        case .timedOut:
            throw CanoError(.runFailed, "run \(self.id) of \(W.name) took longer than its definition allows\(note)")
        case .cancelled:
            throw CanoError(.cancelled, "run \(self.id) of \(W.name) was cancelled\(note)")
        case .active, .waiting, .compensating, .blocked:
            throw CanoError(
                .unreachable,
                "run \(self.id) of \(W.name) has not ended yet, it is \(run.status.name)\(note): wait longer"
            )
        }
    }

    /// The run as it is now.
    ///
    /// - Throws: ``CanoError``, `unknownRun` when its retention has ended.
    public func current() async throws -> RunView {
        try await self.client.run(self.id, limit: 0).run
    }

    /// Asks the run to end; what it did is undone.
    ///
    /// - Returns: the run at that moment.
    /// - Throws: ``CanoError``, `unknownRun` when its retention has ended.
    public func cancel() async throws -> RunView {
        try await self.client.cancel(self.id)
    }
}
