// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano

/// Where the tasks of one worker write down what they do.
struct Desk: Sendable {
    let worker: String
    let diary: Diary

    /// Retries that come soon.
    static let retry = RetryPolicy.fixed(attempts: 5, every: .milliseconds(20))

    func note(_ text: String, _ task: TaskContext) {
        self.diary.add(Diary.Line(text: text, worker: self.worker, key: task.idempotencyKey))
    }

    /// Notes a line, and waits behind it for as long as the scenario wants.
    func reach(_ text: String, _ task: TaskContext) async throws {
        self.note(text, task)
        while self.diary.isShut(text) { try await Task.sleep(for: .milliseconds(5)) }
    }

    /// Notes a line, and waits until another worker is at the same place: both work at the same time.
    func meet(at place: String, _ text: String, _ task: TaskContext) async throws {
        self.note(text, task)
        let deadline = ContinuousClock.now.advanced(by: .seconds(120))
        while !self.diary.arrive(self.worker, at: place) {
            guard ContinuousClock.now < deadline else { throw TaskFailure.permanent("nobody else came to \(place)") }
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}
