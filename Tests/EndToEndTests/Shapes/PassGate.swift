// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine

/// Guests go through a turnstile that takes one at a time, whoever works on them.
struct PassGate: Workflow {
    static let name = "pass-gate"
    static let version = 1
    enum State: String, WorkflowState { case pass, count, done }
    struct Context: Codable, Sendable, Equatable {
        var guests: [Int]
        var passed: [Int] = []
    }

    /// Counts who is inside.
    final class Turnstile: Sendable {
        private struct State {
            var inside = 0
            var most = 0
        }

        private let state = Guarded(State())

        /// The most who were ever inside at once.
        var most: Int { self.state.withLock { $0.most } }

        func enter() {
            self.state.withLock { state -> Void in
                state.inside += 1
                state.most = max(state.most, state.inside)
            }
        }

        func leave() { self.state.withLock { $0.inside -= 1 } }
    }

    let desk: Desk
    let turnstile: Turnstile

    func step(in state: State) -> Step<Self> {
        switch state {
        case .pass:
            .split(
                over: \.guests,
                Pass(desk: self.desk, turnstile: self.turnstile),
                retry: Desk.retry,
                limits: [.concurrency("turnstile", 1)],
                to: .count
            )
        case .count: .task(Count(desk: self.desk), to: .done)
        case .done: .exit
        }
    }

    struct Pass: BranchTask {
        let desk: Desk
        let turnstile: Turnstile

        func run(_ guest: Int, _ task: TaskContext) async throws -> Int {
            self.turnstile.enter()
            defer { self.turnstile.leave() }
            self.desk.note("pass \(guest)", task)
            try await Task.sleep(for: .milliseconds(20))
            return guest
        }
    }

    struct Count: JoinTask {
        let desk: Desk

        func run(_ context: inout Context, _ guests: [BranchResult<Int>], _ task: TaskContext) async throws {
            self.desk.note("count", task)
            context.passed = guests.compactMap(\.value)
        }
    }
}
