// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine

/// Lets so many calls at once go to something, for use inside tasks; shared by all tasks of the process.
///
/// ```swift
/// let search = try Bulkhead("search", permits: 4, queue: 100)
/// let hits = try await search.run { try await index.query(text) }
/// ```
///
/// Whoever finds no permit waits in line, first come, first served; whoever finds the line full hears ``BulkheadFull``.
/// A task that is cancelled leaves the line. For a bound over all workers of a cluster, declare it:
/// `limits: [.concurrency("search", 4)]`.
public final class Bulkhead: Sendable {
    private struct State {
        var line: PermitLine
        var waiters: [PermitLine.Ticket: CheckedContinuation<Void, any Error>] = [:]
    }

    /// Its name, for errors.
    public let name: String
    private let state: Guarded<State>
    private let meters: BulkheadMeters?

    /// A bulkhead nobody uses.
    ///
    /// - Parameters:
    ///   - name: for errors and metrics, of which it is a label.
    ///   - permits: how many calls at once.
    ///   - queue: how many may wait in line (default: any number).
    ///   - telemetry: where its permits are counted (default: what the process was bootstrapped with by now).
    /// - Throws: `invalidInput` for one that lets nobody through.
    public init(
        _ name: String,
        permits: Int,
        queue: Int = .max,
        telemetry: Telemetry = .automatic
    ) throws(CanoError) {
        self.name = name
        self.meters = BulkheadMeters(name, telemetry)
        self.state = Guarded(State(line: try PermitLine(permits: permits, queueLimit: queue)))
    }

    /// How many permits are out.
    public var inUse: Int { self.state.withLock { $0.line.inUse } }

    /// How many calls wait in line.
    public var waiting: Int { self.state.withLock { $0.line.waiting } }

    /// Calls as soon as there is a permit, and gives it back afterwards, however the call ends.
    ///
    /// - Parameter body: the call.
    /// - Returns: what the call returns.
    /// - Throws: ``BulkheadFull`` and `CancellationError` without having called; what the call throws.
    public func run<Value>(_ body: () async throws -> Value) async throws -> Value {
        try await self.take()
        defer { self.giveBack() }
        return try await body()
    }

    /// Waits for a permit, for calls that do not fit into a closure.
    ///
    /// - Returns: a permit; dropping it gives it back.
    /// - Throws: ``BulkheadFull``, `CancellationError`.
    public func acquire() async throws -> Permit {
        try await self.take()
        return Permit(self)
    }

    /// A permit if one is free now and nobody waits; `nil` otherwise.
    public func tryAcquire() -> Permit? {
        guard self.state.withLock({ $0.line.take() }) else {
            self.meters?.wasRefused()
            return nil
        }
        self.meters?.taken()
        return Permit(self)
    }

    /// The right to call; it goes back when it is dropped.
    public struct Permit: ~Copyable, Sendable {
        private let bulkhead: Bulkhead

        fileprivate init(_ bulkhead: Bulkhead) { self.bulkhead = bulkhead }

        deinit { self.bulkhead.giveBack() }

        /// Gives the permit back now.
        public consuming func giveBack() {}
    }

    func take() async throws {
        if !self.state.withLock({ $0.line.take() }) { try await self.queue() }
        self.meters?.taken()
    }

    /// Stands in line until there is a permit.
    private func queue() async throws {
        guard let meters = self.meters else { return try await self.standInLine() }
        let start = ContinuousClock.now
        do { try await self.standInLine() } catch {
            if error is BulkheadFull { meters.wasRefused() }
            throw error
        }
        meters.waited(start.duration(to: .now))
    }

    private func standInLine() async throws {
        // The ticket of this call, once it stands in line.
        let ticket = Guarded<PermitLine.Ticket?>(nil)
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let answer = self.state.withLock { state -> Result<Void, any Error>? in
                    // Whoever cancels from here on finds the ticket; whoever did before is seen here.
                    if Task.isCancelled { return .failure(CancellationError()) }
                    switch state.line.ask() {
                    case .granted: return .success(())
                    case .full: return .failure(BulkheadFull(bulkhead: self.name))
                    case .queued(let mine):
                        ticket.withLock { $0 = mine }
                        state.waiters[mine] = continuation
                        return nil
                    }
                }
                if let answer { continuation.resume(with: answer) }
            }
        } onCancel: {
            let waiter = self.state.withLock { state -> CheckedContinuation<Void, any Error>? in
                guard let mine = ticket.withLock({ $0 }), state.line.leave(mine) else { return nil }
                return state.waiters.removeValue(forKey: mine)
            }
            waiter?.resume(throwing: CancellationError())
        }
    }

    func giveBack() {
        self.meters?.givenBack()
        let next = self.state.withLock { state in
            state.line.giveBack().flatMap { state.waiters.removeValue(forKey: $0) }
        }
        next?.resume()
    }
}
