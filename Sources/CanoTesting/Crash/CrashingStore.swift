// SPDX-License-Identifier: Apache-2.0 OR MIT

public import Cano
import CanoEngine

/// A store whose process dies at a chosen point: what was written stays, and from then on nothing is answered.
///
/// ```swift
/// let store = CrashingStore(data, at: .afterCommit(3))
/// await store.lifetime {
///     try await EmbeddedRunner.run(Trip(), on: store, configuration: store.configuration()) { … }
/// }
/// // `data` holds what three commits wrote: open another runner on it.
/// ```
///
/// A call that is never answered ends when its task is cancelled, which is what ``lifetime(_:)`` does: it stands for
/// the process. Leases of shards that a dead process held do not have to run out: a store that is opened on the same
/// data lists them as free, which is safe at any moment because of the epochs.
public final class CrashingStore: Sendable {
    private struct Counts {
        var commits = 0
        var attempts = 0
        var isDead = false
    }

    let store: any RunStore
    /// Where the process dies; `nil` for a process that lives.
    public let point: CrashPoint?
    private let counts = Guarded(Counts())
    private let death = Mailbox<Void>()

    /// A store on the data of another one.
    ///
    /// - Parameters:
    ///   - store: where everything is written and read, until the crash.
    ///   - point: where the process dies; `nil` for nowhere, or wherever ``crash()`` is called.
    public init(_ store: any RunStore, at point: CrashPoint? = nil) {
        self.store = store
        self.point = point
    }

    /// How many commits the store was asked for, the one of the crash included.
    public var commits: Int { self.counts.withLock { $0.commits } }

    /// How many attempts have begun, the one of the crash included.
    public var attempts: Int { self.counts.withLock { $0.attempts } }

    /// Whether the process is dead.
    public var hasCrashed: Bool { self.counts.withLock { $0.isDead } }

    /// Kills the process now.
    public func crash() {
        self.counts.withLock { $0.isDead = true }
        self.death.post(())
    }

    /// Lives the life of a process: runs `body`, and cancels it when the store crashes.
    ///
    /// - Parameter body: opens a runner on this store, and uses it.
    /// - Returns: what `body` returns; `nil` after a crash, whatever `body` says then.
    /// - Throws: what `body` throws without a crash.
    public func lifetime<Value: Sendable>(
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value? {
        let result = await withTaskGroup(of: Result<Value, any Error>?.self) { group in
            group.addTask {
                do { return .success(try await body()) } catch { return .failure(error) }
            }
            group.addTask {
                _ = await self.death.next()
                return nil
            }
            var result: Result<Value, any Error>?
            // Either the body has ended, or the process is dead; what is left is awaited, so that nothing of it
            // touches the data when the next process begins.
            for await word in group {
                result = result ?? word
                group.cancelAll()
            }
            return result
        }
        return self.hasCrashed ? nil : try result?.get()
    }

    // MARK: Dying

    /// Counts a commit; whether it is to be written, and whether its answer is heard.
    func beginCommit() -> (isWritten: Bool, isHeard: Bool) {
        self.reach { counts in
            counts.commits += 1
            return (.beforeCommit(counts.commits), .afterCommit(counts.commits))
        }
    }

    /// Counts an attempt; whether its code runs, and whether its outcome is heard.
    func beginAttempt() -> (isRun: Bool, isHeard: Bool) {
        self.reach { counts in
            counts.attempts += 1
            return (.beforeAttempt(counts.attempts), .afterAttempt(counts.attempts))
        }
    }

    private func reach(_ count: (inout Counts) -> (CrashPoint, CrashPoint)) -> (Bool, Bool) {
        let (before, after) = self.counts.withLock { counts in
            counts.isDead ? (true, true) : Self.compare(count(&counts), self.point)
        }
        if before { self.crash() }
        return (!before, !after)
    }

    private static func compare(_ points: (CrashPoint, CrashPoint), _ point: CrashPoint?) -> (Bool, Bool) {
        (points.0 == point, points.0 == point || points.1 == point)
    }

    /// Returns while the process lives; otherwise when the task is cancelled, with what a dead store has to say.
    func live() async throws(CanoError) {
        guard self.hasCrashed else { return }
        throw await self.silence()
    }

    /// Waits until the task is cancelled: nobody answers for a dead process.
    func silence() async -> CanoError {
        while !Task.isCancelled {
            // A cancelled sleep is what we wait for.
            try? await Task.sleep(for: .seconds(3600))
        }
        return CanoError(.shuttingDown, "the process has crashed, as the test wanted it")
    }
}
