// SPDX-License-Identifier: Apache-2.0 OR MIT

import Foundation

/// Runs a scenario on a thread of its own.
///
/// Scenarios wait for processes and sockets; the few threads that run Swift tasks must not.
func onOwnThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        let thread = Thread { continuation.resume(with: Result { try body() }) }
        thread.stackSize = 4 << 20
        thread.start()
    }
}

/// Waits until a condition holds, by asking again and again; throws what it waited for when the time is up.
func wait(upTo seconds: Double = 180, for what: String, until condition: () throws -> Bool) throws {
    let clock = ContinuousClock()
    let deadline = clock.now.advanced(by: .seconds(seconds))
    while try !condition() {
        try require(clock.now < deadline, "waited \(seconds) s in vain for \(what)")
        usleep(5000)
    }
}
