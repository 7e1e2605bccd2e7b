// SPDX-License-Identifier: Apache-2.0 OR MIT

/// Work that must be finished even when the task that wants it was cancelled.
package enum Uncancelled {
    package static func run<Value: Sendable>(_ body: @escaping @Sendable () async -> Value) async -> Value {
        // Unstructured: a new task is not cancelled with ours; we always wait for it, so nothing outlives us.
        await Task { await body() }.value
    }
}
