// SPDX-License-Identifier: Apache-2.0 OR MIT

/// Waits in a task until a condition holds, by asking again and again; throws what it waited for when the time is up.
func eventually(
    _ what: String,
    upTo time: Duration = .seconds(180),
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now.advanced(by: time)
    while try await !condition() {
        try require(ContinuousClock.now < deadline, "waited \(time) in vain for \(what)")
        try await Task.sleep(for: .milliseconds(5))
    }
}
