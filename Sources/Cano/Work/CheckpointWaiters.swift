// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine

/// The attempts of this process that wait until a cursor is durable.
package final class CheckpointWaiters: Sendable {
    private struct Waiter {
        var number: Int64
        var continuation: CheckedContinuation<ReportAnswer, Never>
    }

    private struct State {
        var lastNumber: Int64 = 0
        var waiters: [LeaseRef: Waiter] = [:]
    }

    private let state = Guarded(State())

    package init() {}

    /// Sends a cursor, and returns when it is durable.
    ///
    /// Throws `CancellationError` when the attempt is cancelled or its lease was lost before.
    package func checkpoint(
        _ lease: LeaseRef,
        _ cursor: Payload,
        send: @escaping @Sendable (LeaseCheckpoint) -> Void
    ) async throws {
        let answer = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let number = self.state.withLock { state in
                    state.lastNumber += 1
                    state.waiters[lease] = Waiter(number: state.lastNumber, continuation: continuation)
                    return state.lastNumber
                }
                // The cancellation may have come before there was anybody to tell.
                if Task.isCancelled { return self.end(lease, number, .lost) }
                send(LeaseCheckpoint(lease: lease, number: number, cursor: cursor))
            }
        } onCancel: {
            self.end(lease, nil, .lost)
        }
        guard answer == .accepted else { throw CancellationError() }
    }

    /// An answer has come.
    package func answered(_ answer: CheckpointAnswer) {
        self.end(answer.lease, answer.number, answer.answer)
    }

    private func end(_ lease: LeaseRef, _ number: Int64?, _ answer: ReportAnswer) {
        let waiter = self.state.withLock { state -> Waiter? in
            guard let waiter = state.waiters[lease], number == nil || waiter.number == number else { return nil }
            state.waiters[lease] = nil
            return waiter
        }
        waiter?.continuation.resume(returning: answer)
    }
}
