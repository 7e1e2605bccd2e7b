// SPDX-License-Identifier: Apache-2.0 OR MIT

/// Work that has so much time for all of its attempts and pauses.
enum DirectDeadline {
    private enum Word<Value: Sendable>: Sendable {
        case done(Value)
        case timeIsUp
        case notNeeded
    }

    /// Does the work, which is cancelled when its time is up, and waited for all the same.
    ///
    /// - Returns: what came of the work, and whether its time was up before.
    static func hold<Value: Sendable>(
        _ time: Duration?,
        _ work: @escaping @Sendable () async -> Value
    ) async -> (Value, isLate: Bool) {
        guard let time else { return (await work(), false) }
        return await withTaskGroup(of: Word<Value>.self) { group in
            group.addTask { .done(await work()) }
            group.addTask {
                do { try await Task.sleep(for: time) } catch { return .notNeeded }
                return .timeIsUp
            }
            var (value, isLate) = (Value?.none, false)
            for await word in group {
                switch word {
                case .done(let done): value = done
                case .timeIsUp: isLate = value == nil
                case .notNeeded: break
                }
                group.cancelAll()
            }
            guard let value else { fatalError("work ended without a word") }
            return (value, isLate)
        }
    }
}
