// SPDX-License-Identifier: Apache-2.0 OR MIT

/// Where a process dies, counted from the moment its store was opened; the first is 1.
public enum CrashPoint: Hashable, Sendable {
    /// Nothing of the commit is written.
    case beforeCommit(Int)
    /// The commit is written, and nobody hears of it.
    case afterCommit(Int)
    /// A worker has the lease; its code does not begin.
    case beforeAttempt(Int)
    /// The code has run; its outcome is never reported.
    case afterAttempt(Int)

    /// The number of the commit or attempt.
    public var number: Int {
        switch self {
        case .beforeCommit(let number), .afterCommit(let number), .beforeAttempt(let number),
            .afterAttempt(let number):
            number
        }
    }
}

extension CrashPoint: CustomStringConvertible {
    /// The point in words: `after commit 3`.
    public var description: String {
        switch self {
        case .beforeCommit(let number): "before commit \(number)"
        case .afterCommit(let number): "after commit \(number)"
        case .beforeAttempt(let number): "before attempt \(number)"
        case .afterAttempt(let number): "after attempt \(number)"
        }
    }
}
