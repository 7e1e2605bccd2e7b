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
        @usableFromInline var ends: [End?]

        @inlinable
        init(of count: Int) {
            self.ends = [End?](repeating: nil, count: count)
        }

        @inlinable var isMore: Bool { self.next < self.ends.count }

        @inlinable
        mutating func claim() -> Int? {
            guard self.isMore else { return nil }
            self.next += 1
            return self.next - 1
        }
    }

    @usableFromInline let runner: InMemoryRunner<W>
    @usableFromInline let contexts: [W.Context]
    @usableFromInline let state: Guarded<State>

    @inlinable
    init(_ runner: InMemoryRunner<W>, _ contexts: [W.Context]) {
        self.runner = runner
        self.contexts = contexts
        self.state = Guarded(State(of: contexts.count), spins: true)
    }

    @inlinable
    func run() async -> [End] {
        await withDiscardingTaskGroup { group in
            for _ in 1..<max(1, min(Cores.count, self.contexts.count)) { group.addTask { await self.drain() } }
            while self.state.withLock({ $0.isMore }) { group.addImmediateTask { await self.drain() } }
        }
        return self.state.withLock { $0.ends.map { $0 ?? .failure(CancellationError()) } }
    }

    /// Runs one after the other, as long as there are any that have not begun.
    @inlinable
    func drain() async {
        var breather = Breather()
        var index = self.state.withLock { $0.claim() }
        while let current = index {
            if breather.isTired { await breather.rest() }
            let end = await self.end(of: current)
            index = self.state.withLock { state in
                state.ends[current] = end
                return state.claim()
            }
        }
    }

    @inlinable
    func end(of index: Int) async -> End {
        // What has not begun when everything is cancelled does not begin any more.
        guard !Task.isCancelled else { return .failure(CancellationError()) }
        do { return .success(try await self.runner.run(self.contexts[index])) } catch { return .failure(error) }
    }
}
