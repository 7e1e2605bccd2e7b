// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// The branches of a split of a run without a store.
///
/// A branch that never suspends costs no task: a task takes one branch after the other, and only when one suspends does
/// the next task begin, on the same thread. A few tasks more share the work from the start, one for each other core.
final class DirectBranches<Item: Sendable, Output: Sendable>: Sendable {
    typealias Branch = @Sendable (Item, TaskContext) async throws -> Output

    private struct State {
        /// The branch that begins next.
        var next = 0
        var tally: JoinTally
        /// How branches ended; `nil` while they have not, or when nobody waited for them.
        var results: [BranchResult<Output>?]
        /// Branches that may have done something that nobody knows of, and have no result.
        var doubts: [Int] = []
        var undos: [DirectUndo] = []
        var decision: JoinDecision?
        /// Whether the run's task was cancelled before the join was decided.
        var isStopped = false

        var isOver: Bool { self.decision != nil || self.isStopped }
        var isMore: Bool { !self.isOver && self.next < self.results.count }
    }

    private let split: DirectSplitRun
    private let items: [Item]
    private let undo: UndoCode?
    private let branch: Branch
    private let state: Guarded<State>

    init(_ split: DirectSplitRun, _ items: [Item], _ undo: UndoCode?, _ branch: @escaping Branch) {
        self.split = split
        self.items = items
        self.undo = undo
        self.branch = branch
        let results = [BranchResult<Output>?](repeating: nil, count: items.count)
        self.state = Guarded(State(tally: JoinTally(of: items.count), results: results), spins: true)
    }

    func run() async -> DirectSplitEnd {
        self.state.withLock { self.decide(&$0) }
        await withTaskGroup(of: Void.self) { group in
            guard self.isMore else { return }
            if let time = self.split.definition.join.within {
                group.addTask {
                    do { try await Task.sleep(for: time.duration) } catch { return }
                    self.state.withLock { self.decide(&$0, timeIsUp: true) }
                }
            }
            for _ in 1..<max(1, min(Cores.count, self.items.count)) { group.addTask { await self.drain() } }
            while self.isMore { group.addImmediateTask { await self.drain() } }
            repeat {
                if self.isOver { group.cancelAll() }
            } while await group.next() != nil
        }
        return self.state.withLock { self.end(of: &$0) }
    }

    private var isMore: Bool { self.state.withLock { $0.isMore } }
    private var isOver: Bool { self.state.withLock { $0.isOver } }

    // MARK: One task

    /// Runs one branch after the other, as long as there are any.
    private func drain() async {
        let isPlain = self.split.branch.timeout == nil
        var index = self.state.withLock { self.claim(&$0) }
        var breather = Breather()
        while let current = index {
            await breather.breathe()
            var first: (any Error)?
            if isPlain {
                do {
                    let output = try await self.branch(self.items[current], self.split.task(.branch(current), 1, nil))
                    index = self.settle(current, .done(output), isInDoubt: false)
                    continue
                } catch { first = error }
            }
            index = await self.tryAgain(current, after: first)
        }
    }

    private func tryAgain(_ index: Int, after first: (any Error)?) async -> Int? {
        let seed = self.split.seed ^ UInt64(truncatingIfNeeded: index) << 32
        var attempts = self.split.attempts(at: self.split.branch, seed: seed)
        let end = await attempts.run(after: first) { attempt, deadline in
            try await self.branch(self.items[index], self.split.task(.branch(index), attempt, deadline))
        }
        return self.settle(index, end, isInDoubt: attempts.isInDoubt)
    }

    private func claim(_ state: inout State) -> Int? {
        if state.decision == nil, Task.isCancelled { state.isStopped = true }
        guard state.isMore else { return nil }
        state.next += 1
        return state.next - 1
    }

    /// Takes the end of a branch; returns the branch that this task does next.
    private func settle(_ index: Int, _ end: DirectAttempts.End<Output>, isInDoubt: Bool) -> Int? {
        self.state.withLock { state in
            if state.decision == nil, Task.isCancelled { state.isStopped = true }
            // Once it is over, only what can be undone still counts.
            if !state.isOver || self.undo != nil { self.take(index, end, isInDoubt, &state) }
            self.decide(&state)
            return self.claim(&state)
        }
    }

    private func take(_ index: Int, _ end: DirectAttempts.End<Output>, _ isInDoubt: Bool, _ state: inout State) {
        switch end {
        case .done(let output):
            state.results[index] = .success(output)
            state.tally.succeed()
            guard let undo = self.undo, !self.keepsLosers(state) else { return }
            state.undos.append(self.split.undo(index, undo.bound(to: output)))
        case .failed(let failure):
            state.results[index] = .failure(failure)
            state.tally.fail()
            if isInDoubt { self.pushDoubt(index, &state) }
        case .stopped:
            if isInDoubt { state.doubts.append(index) }
        }
    }

    // MARK: All together

    private func decide(_ state: inout State, timeIsUp: Bool = false) {
        guard !state.isOver else { return }
        state.decision = state.tally.decision(of: self.split.definition.join, timeIsUp: timeIsUp) {
            state.results.enumerated()
                .compactMap { index, result in
                    if case .failure(let failure) = result { (index, failure) } else { nil }
                }
        }
    }

    /// Whether branches that end from now on stay as they are, because the join was satisfied without them.
    private func keepsLosers(_ state: State) -> Bool {
        state.decision == .satisfied && self.split.definition.losers == .keep
    }

    private func pushDoubt(_ index: Int, _ state: inout State) {
        guard let undo = self.undo, undo.definition.coversUnknown, !self.keepsLosers(state) else { return }
        state.undos.append(self.split.undo(index, undo.unknown))
    }

    private func end(of state: inout State) -> DirectSplitEnd {
        for index in state.doubts.sorted() { self.pushDoubt(index, &state) }
        let result: DirectSplitEnd.Result =
            switch state.decision {
            case .satisfied: .joined(JoinedBranches(state.results.map { $0 ?? .cancelled }))
            case .failed(let failure): .failed(failure)
            case nil: .stopped
            }
        return DirectSplitEnd(result: result, undos: state.undos)
    }
}
