// SPDX-License-Identifier: Apache-2.0 OR MIT

public import Cano
public import CanoEngine

extension CanoClient {
    /// Tells a run something: a wait for the signal takes it, now or when it is reached.
    ///
    /// - Parameters:
    ///   - name: the signal.
    ///   - payload: what it says; JSON.
    ///   - run: the run.
    ///   - id: what makes it the same signal when it is sent again; `nil` when every sending counts.
    /// - Returns: false when the id was known, so that nothing changed.
    /// - Throws: ``CanoError``: `unknownRun`; `wrongState` when the run is over or ends; `invalidInput` when its
    ///   workflow waits for no such signal; `limitExceeded` when it keeps too many already.
    @discardableResult
    public func signal(_ name: String, _ payload: Payload, to run: RunID, id: String? = nil) async throws -> Bool {
        let signal = RunSignal(name: name, payload: payload, id: id)
        return try await self.order(Self.request(signal: signal, to: run))
    }

    /// Decides about work of a run that cannot go on by itself.
    ///
    /// - Throws: ``CanoError``: `unknownRun`; `wrongState` when nothing of the run is blocked; `invalidInput` when the
    ///   decision lacks something.
    public func intervene(_ intervention: Intervention, in run: RunID) async throws {
        _ = try await self.order(Self.request(intervention, in: run))
    }

    /// Puts the unfinished runs of one version under another one, as far as they stand between two attempts.
    ///
    /// - Throws: ``CanoError``: `unknownWorkflow`; `invalidInput` when the map does not fit both graphs.
    public func migrate(_ order: MigrationOrder) async throws -> MigrationReport {
        let answer = try JSONMembers(try await self.send(Self.request(migrate: order)), subject: "the answer")
        return try OrderBody.readReport(answer)
    }

    private func order(_ request: APIRequest) async throws -> Bool {
        let answer = try JSONMembers(try await self.send(request), subject: "the answer")
        return try OrderBody.readAnswer(answer) != .unchanged
    }

    // MARK: Requests

    /// The request of ``signal(_:_:to:id:)``.
    package static func request(signal: RunSignal, to run: RunID) -> APIRequest {
        var message = APIRequest(.post, ["runs", run.description, "signals", signal.name])
        message.query("id", signal.id)
        message.json { $0.payload(signal.payload) }
        return message
    }

    /// The request of ``intervene(_:in:)``.
    package static func request(_ intervention: Intervention, in run: RunID) -> APIRequest {
        var message = APIRequest(.post, ["runs", run.description, intervention.verb.rawValue])
        message.json { OrderBody.write(intervention, to: &$0) }
        return message
    }

    /// The request of ``migrate(_:)``.
    package static func request(migrate order: MigrationOrder) -> APIRequest {
        var message = APIRequest(.post, ["workflows", order.workflow, "migrate"])
        message.json { OrderBody.write(order, to: &$0) }
        return message
    }
}

extension RemoteRun {
    /// Tells the run something: a wait for the signal takes it, now or when it is reached.
    ///
    /// - Parameters:
    ///   - signal: the signal.
    ///   - payload: what it says.
    ///   - id: what makes it the same signal when it is sent again; `nil` when every sending counts.
    /// - Returns: false when the id was known, so that nothing changed.
    /// - Throws: like ``CanoClient/signal(_:_:to:id:)``.
    @discardableResult
    public func signal<Value>(_ signal: Signal<Value>, _ payload: Value, id: String? = nil) async throws -> Bool {
        let bytes = try Payload(encoding: payload, what: "the signal '\(signal.name)'")
        return try await self.client.signal(signal.name, bytes, to: self.id, id: id)
    }
}
