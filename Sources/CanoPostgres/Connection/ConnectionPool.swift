// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Dispatch

/// A fixed number of connections and a bounded line of those who wait for one.
final class ConnectionPool: Sendable {
    private struct State {
        var idle: [PostgresConnection]
        /// In the order of their arrival.
        var waiting: [Waiter] = []
        var nextWaiter: UInt64 = 0
        var isClosed = false
    }

    private struct Waiter {
        let number: UInt64
        let continuation: CheckedContinuation<Result<PostgresConnection, PostgresFailure>, Never>
    }

    private let connections: [PostgresConnection]
    private let places: Int
    private let state: Guarded<State>

    /// A pool of so many connections, none of them open yet, with so many places in its line.
    init(of count: Int, to address: PostgresAddress, settings: ServerSettings, places: Int) {
        let connections = (0..<max(1, count)).map { _ in PostgresConnection(to: address, settings: settings) }
        self.connections = connections
        self.places = places
        self.state = Guarded(State(idle: connections))
    }

    /// Runs a statement on the next free connection; waiting for one counts towards the deadline.
    func run<Answer: Sendable>(
        _ statement: Statement<Answer>,
        within time: Duration
    ) async throws(PostgresFailure) -> Answer {
        let deadline = ContinuousClock.now.advanced(by: time)
        let connection = try await self.acquire(until: deadline)
        defer { self.release(connection) }
        return try await connection.run(statement, until: deadline)
    }

    /// Refuses whoever waits and closes every connection, those at work when they are done.
    func close() async {
        let waiting = self.state.withLock { state in
            state.isClosed = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for waiter in waiting { waiter.continuation.resume(returning: .failure(.unsent("the store is closed"))) }
        for connection in self.connections { await connection.close() }
    }

    private func acquire(until deadline: ContinuousClock.Instant) async throws(PostgresFailure) -> PostgresConnection {
        // The most recently used one first: it is open most likely.
        if let connection = self.state.withLock({ $0.waiting.isEmpty ? $0.idle.popLast() : nil }) { return connection }
        let result = await withCheckedContinuation { continuation in self.enqueue(continuation, until: deadline) }
        return try result.get()
    }

    private func enqueue(
        _ continuation: CheckedContinuation<Result<PostgresConnection, PostgresFailure>, Never>,
        until deadline: ContinuousClock.Instant
    ) {
        enum Place { case waiting(UInt64), given(PostgresConnection), refused(String) }
        let place = self.state.withLock { state -> Place in
            if state.isClosed { return .refused("the store is closed") }
            if let connection = state.idle.popLast() { return .given(connection) }
            guard state.waiting.count < self.places else {
                return .refused("\(self.places) calls wait for a connection already; raise the number of connections")
            }
            let number = state.nextWaiter
            state.nextWaiter += 1
            state.waiting.append(Waiter(number: number, continuation: continuation))
            return .waiting(number)
        }
        switch place {
        case .given(let connection): continuation.resume(returning: .success(connection))
        case .refused(let reason): continuation.resume(returning: .failure(.unsent(reason)))
        case .waiting(let number):
            let left = max(.zero, deadline - ContinuousClock.now)
            let milliseconds = Int(left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000)
            Self.clock.asyncAfter(deadline: .now() + .milliseconds(milliseconds)) { self.expire(number) }
        }
    }

    private func expire(_ number: UInt64) {
        let late = self.state.withLock { state -> Waiter? in
            guard let index = state.waiting.firstIndex(where: { $0.number == number }) else { return nil }
            return state.waiting.remove(at: index)
        }
        late?.continuation
            .resume(
                returning: .failure(.unsent("every connection was busy until the deadline; is PostgreSQL overloaded?"))
            )
    }

    private func release(_ connection: PostgresConnection) {
        let next = self.state.withLock { state -> Waiter? in
            if state.waiting.isEmpty {
                state.idle.append(connection)
                return nil
            }
            return state.waiting.removeFirst()
        }
        next?.continuation.resume(returning: .success(connection))
    }

    private static let clock = DispatchQueue(label: "cano.postgres.deadlines")
}
