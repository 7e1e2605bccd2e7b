// SPDX-License-Identifier: Apache-2.0 OR MIT

/// Cancels one piece of work that runs as part of a task, not the task itself.
final class CancellationHandle: Sendable {
    private let bell = Mailbox<Void>()

    func cancel() {
        self.bell.post(())
    }

    /// Runs the work; it is cancelled when somebody calls ``cancel()``.
    func run<Value: Sendable>(_ body: @escaping @Sendable () async -> Value) async -> Value {
        await withTaskGroup(of: Value?.self) { group in
            group.addTask { await body() }
            group.addTask {
                if await self.bell.next() != nil { return nil }
                return nil
            }
            var value: Value?
            while value == nil, let next = await group.next() {
                // The bell first: the work is cancelled, and its last word is still awaited.
                if next == nil { group.cancelAll() }
                value = next ?? value
            }
            group.cancelAll()
            guard let value else { fatalError("the work ended without a value") }
            return value
        }
    }
}
