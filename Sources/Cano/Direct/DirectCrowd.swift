// SPDX-License-Identifier: Apache-2.0 OR MIT

internal import CanoEngine

/// Many runs without a store at once.
///
/// A task takes one run after the other, and only when one suspends does the next task begin, on the same thread: a run
/// that never suspends costs no task. A few tasks more share the work, one for each other core.
@usableFromInline
final class DirectCrowd<W: Workflow>: Sendable {
    @usableFromInline typealias End = Result<RunResult<W>, any Error>

    @usableFromInline
    struct State {
        /// The run that begins next.
        @usableFromInline var next = 0
        /// How runs ended; `nil` while they have not, and of those that never began.
        @usableFromInline var ends: [End?]
        /// How many tasks take runs.
        @usableFromInline var tasks = 0
        /// How many were made at once, where the runs were called for.
        @usableFromInline var made = 0
        /// The number of the one that is still there, because it has not suspended.
        @usableFromInline var immediate: Int?

        @inlinable
        init(of count: Int) {
            self.ends = [End?](repeating: nil, count: count)
        }

        /// Another task is about to take runs, unless there are enough or nothing is left; its number.
        @inlinable
        mutating func make(atMost most: Int) -> Int? {
            guard self.next < self.ends.count, self.tasks < most else { return nil }
            self.tasks += 1
            self.made += 1
            return self.made
        }

        /// The run that a task does next.
        @inlinable
        mutating func claim() -> Int? {
            guard self.next < self.ends.count, !Task.isCancelled else { return nil }
            self.next += 1
            return self.next - 1
        }
    }

    @usableFromInline let runner: InMemoryRunner<W>
    @usableFromInline let contexts: [W.Context]
    @usableFromInline let inFlight: Int
    @usableFromInline let state: Guarded<State>

    @inlinable
    init(_ runner: InMemoryRunner<W>, _ contexts: [W.Context], inFlight: Int) {
        self.runner = runner
        self.contexts = contexts
        self.inFlight = max(1, inFlight)
        self.state = Guarded(State(of: contexts.count), spins: true)
    }

    @inlinable
    func run() async -> [End] {
        var breather = Breather()
        await withTaskGroup(of: Void.self) { group in
            for _ in 1..<max(1, Cores.count) {
                guard let number = self.make() else { break }
                group.addTask { await self.drain(number) }
            }
            // Again whenever one has ended: its run may have cancelled the task that it was in.
            repeat {
                while !Task.isCancelled, let number = self.make() {
                    self.state.withLock { $0.immediate = number }
                    group.addImmediateTask { await self.drain(number) }
                    self.state.withLock { $0.immediate = nil }
                    if breather.isTired { await breather.rest() }
                }
            } while await group.next() != nil
        }
        let isCancelled = Task.isCancelled
        return self.state.withLock { state in
            invariant(isCancelled || state.next == state.ends.count, "\(state.next) of \(state.ends.count) runs began")
            return state.ends.map { $0 ?? .failure(CancellationError()) }
        }
    }

    @inlinable
    func make() -> Int? { self.state.withLock { $0.make(atMost: self.inFlight) } }

    /// Runs one after the other, as long as there are any that have not begun.
    @inlinable
    func drain(_ number: Int) async {
        var breather = Breather()
        var index = self.state.withLock { $0.claim() }
        while let current = index {
            let end: End
            do { end = .success(try await self.runner.run(self.contexts[current])) } catch { end = .failure(error) }
            guard breather.isTired else {
                index = self.state.withLock { state in
                    state.ends[current] = end
                    return state.claim()
                }
                continue
            }
            let isImmediate = self.state.withLock { state in
                state.ends[current] = end
                return state.immediate == number
            }
            // Whoever made this task takes a rest, and makes another one: of those that rest here none would end.
            if isImmediate { break }
            await breather.rest()
            index = self.state.withLock { $0.claim() }
        }
        self.state.withLock { $0.tasks -= 1 }
    }
}
