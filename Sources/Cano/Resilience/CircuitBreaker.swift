// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine
internal import Synchronization

/// Keeps calls away from something that fails, for use inside tasks; shared by all tasks of the process.
///
/// ```swift
/// let payments = try CircuitBreaker("payments")
/// let receipt = try await payments.run { try await client.charge(order) }
/// ```
///
/// It opens after failures in a row or at a share of failures, refuses calls with ``CircuitOpen`` for a while, then
/// lets a few probe. A call that is cancelled is no failure, and a result that comes late, after the breaker has
/// changed, does not count. For a breaker over all workers of a cluster, declare it: `limits: [.breaker("payments")]`.
public final class CircuitBreaker: Sendable {
    /// What a breaker does, as listeners hear it.
    public enum Position: String, Hashable, Sendable {
        /// Calls go through.
        case closed
        /// Calls are refused.
        case open
        /// A few calls probe.
        case halfOpen
        /// Calls are refused because somebody said so.
        case forcedOpen
        /// Calls go through because somebody said so.
        case forcedClosed
    }

    /// A change of what the breaker does.
    public struct Change: Hashable, Sendable {
        /// The breaker's name.
        public let breaker: String
        /// What it did.
        public let from: Position
        /// What it does.
        public let to: Position
    }

    /// Its name, for errors and listeners.
    public let name: String
    private let clock: ResilienceClock
    private let core: Guarded<Breaker>
    /// The epoch while a success would change nothing, otherwise 0: then neither asking nor succeeding needs the lock.
    private let calm: Atomic<Int>
    private let counts: @Sendable (any Error) -> Bool
    private let onChange: (@Sendable (Change) -> Void)?
    private let streams = Guarded(ChangeStreams())
    private let meters: BreakerMeters?

    /// A closed breaker.
    ///
    /// - Parameters:
    ///   - name: for errors, listeners and metrics, of which it is a label.
    ///   - policy: when it opens and closes.
    ///   - clock: by which it goes.
    ///   - telemetry: where its calls and changes are counted (default: what the process was bootstrapped with by now).
    ///   - isFailure: whether an error says something about whom was called (default: all but a `TaskFailure` that no
    ///     other attempt can mend). Errors of cancelled calls are never asked about.
    ///   - onChange: hears every change on the task that caused it, before that goes on; changes that several tasks
    ///     cause at once may be heard in another order, ``changes()`` keeps it.
    /// - Throws: `invalidInput` for a policy that cannot work.
    public init(
        _ name: String,
        _ policy: BreakerPolicy = BreakerPolicy(),
        clock: ResilienceClock = .system,
        telemetry: Telemetry = .automatic,
        isFailure: @escaping @Sendable (any Error) -> Bool = CircuitBreaker.isRetryable,
        onChange: (@Sendable (Change) -> Void)? = nil
    ) throws(CanoError) {
        guard policy.problems.isEmpty else {
            let problems = policy.problems.joined(separator: "; ")
            throw CanoError(.invalidInput, "the circuit breaker '\(name)' cannot be: \(problems)")
        }
        let breaker = Breaker(policy: policy)
        self.name = name
        self.clock = clock
        self.core = Guarded(breaker)
        self.calm = Atomic(breaker.isCalm ? breaker.epoch : 0)
        self.counts = isFailure
        self.onChange = onChange
        self.meters = BreakerMeters(name, telemetry)
    }

    /// The default of `isFailure`: every error but a `TaskFailure` that no other attempt can mend.
    ///
    /// - Parameter error: what a call threw.
    /// - Returns: whether the call failed because of whom it called.
    public static func isRetryable(_ error: any Error) -> Bool {
        (error as? TaskFailure)?.isRetryable ?? true
    }

    /// What it does now; looking changes nothing.
    public var position: Position { Position(self.core.withLock { $0.state }) }

    // MARK: Calls

    /// Calls if the breaker lets the call through, and hears how it ended.
    ///
    /// - Parameter body: the call.
    /// - Returns: what the call returns.
    /// - Throws: ``CircuitOpen`` without having called; what the call throws.
    @inlinable
    public func run<Value>(_ body: () async throws -> Value) async throws -> Value {
        let permit = try self.ask()
        let value: Value
        do { value = try await body() } catch {
            self.failed(permit, error)
            throw error
        }
        self.end(permit, .succeeded)
        return value
    }

    @usableFromInline
    func failed(_ permit: Breaker.Permit, _ error: any Error) {
        let isCancelled = error is CancellationError || Task.isCancelled
        self.end(permit, isCancelled || !self.counts(error) ? .cancelled : .failed)
    }

    /// Asks for the right to make one call, for calls that do not fit into a closure.
    ///
    /// - Returns: a permit; say how the call ended. Dropping it says that nobody knows, which is no failure.
    /// - Throws: ``CircuitOpen``.
    public func acquire() throws(CircuitOpen) -> Permit {
        Permit(self, try self.ask())
    }

    /// The right to make one call.
    public struct Permit: ~Copyable, Sendable {
        private let breaker: CircuitBreaker
        private let permit: Breaker.Permit
        private var outcome = Breaker.Outcome.cancelled

        fileprivate init(_ breaker: CircuitBreaker, _ permit: Breaker.Permit) {
            self.breaker = breaker
            self.permit = permit
        }

        deinit { self.breaker.end(self.permit, self.outcome) }

        /// The call worked.
        public consuming func succeed() { self.outcome = .succeeded }

        /// The call failed because of whom it called.
        public consuming func fail() { self.outcome = .failed }
    }

    @usableFromInline
    func ask() throws(CircuitOpen) -> Breaker.Permit {
        let epoch = self.calm.load(ordering: .acquiring)
        if epoch != 0 { return Breaker.Permit(epoch: epoch) }
        let now = self.clock.now()
        switch self.change({ $0.ask(at: now) }) {
        case .admitted(let permit): return permit
        case .refused(let until):
            self.meters?.wasRefused()
            let wait = until.map { Duration.microseconds(max(0, $0.microseconds - now.microseconds)) }
            throw CircuitOpen(breaker: self.name, retryAfter: wait)
        }
    }

    @usableFromInline
    func end(_ permit: Breaker.Permit, _ outcome: Breaker.Outcome) {
        self.meters?.ended(outcome)
        switch outcome {
        case .succeeded where self.calm.load(ordering: .acquiring) == permit.epoch: return
        case .cancelled where self.calm.load(ordering: .acquiring) == permit.epoch: return
        case .succeeded, .failed, .cancelled:
            let now = self.clock.now()
            self.change { $0.end(permit, outcome, at: now) }
        }
    }

    // MARK: By hand

    /// Refuses every call until ``release()``.
    public func forceOpen() { self.change { $0.forceOpen() } }

    /// Lets every call through until ``release()``.
    public func forceClosed() { self.change { $0.forceClosed() } }

    /// Lets the breaker decide by itself again, as a closed one that has seen nothing.
    public func release() { self.change { $0.release() } }

    // MARK: Listening

    /// Every change from now on.
    ///
    /// A listener that is more than 64 changes behind misses the oldest ones.
    ///
    /// - Returns: a sequence that ends when the task that reads it is cancelled.
    public func changes() -> AsyncStream<Change> {
        let (stream, continuation) = AsyncStream.makeStream(of: Change.self, bufferingPolicy: .bufferingNewest(64))
        let id = self.streams.withLock { $0.add(continuation) }
        continuation.onTermination = { [weak self] _ in self?.streams.withLock { $0.remove(id) } }
        return stream
    }

    /// Changes the breaker and tells the listeners, in the order of the changes.
    @discardableResult
    private func change<Result: Sendable>(_ body: (inout Breaker) -> Result) -> Result {
        let (result, change) = self.core.withLock { breaker -> (Result, Change?) in
            let before = breaker.state
            let result = body(&breaker)
            self.calm.store(breaker.isCalm ? breaker.epoch : 0, ordering: .releasing)
            let (from, to) = (Position(before), Position(breaker.state))
            guard from != to else { return (result, nil) }
            let change = Change(breaker: self.name, from: from, to: to)
            self.streams.withLock { $0.tell(change) }
            return (result, change)
        }
        if let change {
            self.meters?.changed(change)
            self.onChange?(change)
        }
        return result
    }
}

extension CircuitBreaker.Position {
    fileprivate init(_ state: Breaker.State) {
        self =
            switch state {
            case .closed: .closed
            case .open: .open
            case .halfOpen: .halfOpen
            case .forcedOpen: .forcedOpen
            case .forcedClosed: .forcedClosed
            }
    }
}

/// Who reads the changes of a breaker.
private struct ChangeStreams: Sendable {
    private var readers: [Int: AsyncStream<CircuitBreaker.Change>.Continuation] = [:]
    private var last = 0

    mutating func add(_ reader: AsyncStream<CircuitBreaker.Change>.Continuation) -> Int {
        self.last += 1
        self.readers[self.last] = reader
        return self.last
    }

    mutating func remove(_ id: Int) { self.readers[id] = nil }

    func tell(_ change: CircuitBreaker.Change) {
        for reader in self.readers.values { reader.yield(change) }
    }
}
