// SPDX-License-Identifier: Apache-2.0 OR MIT

/// A store that gathers concurrent commits by itself, and gives each its own answer.
///
/// Whoever commits to it need not gather commits of others first, nor wait for the answer.
package protocol GatheringStore: RunStore {
    /// ``RunStore/commit(_:)`` without the `await`: `then` is called once, from anywhere, and must not wait.
    func commit(_ batches: [ShardBatch], then: @escaping @Sendable (CommitOutcome) -> Void)
}
