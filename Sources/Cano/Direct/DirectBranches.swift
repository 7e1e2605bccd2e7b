// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine

/// The branches of a split of a run without a store.
///
/// A branch that never suspends costs no task: a task takes one branch after the other, and only when one suspends does
/// the next task begin, on the same thread. When the first few were not done in no time, a few tasks more share the
/// work, one for each other core: waking one costs as much as many small branches.
@usableFromInline
final class DirectBranches<Item: Sendable, Output: Sendable>: Sendable {
    @usableFromInline typealias Branch = @Sendable (Item, TaskContext) async throws -> Output

    @usableFromInline
    struct State {
        /// The branch that begins next.
        @usableFromInline var next = 0
        @usableFromInline var tally: JoinTally
        /// How branches ended; `nil` while they have not, or when nobody waited for them.
        @usableFromInline var results: [BranchResult<Output>?]
        /// Branches that may have done something that nobody knows of, and have no result.
        @usableFromInline var doubts: [Int] = []
        @usableFromInline var undos: [DirectUndo] = []
        @usableFromInline var decision: JoinDecision?
        /// Whether the run's task was cancelled before the join was decided.
        @usableFromInline var isStopped = false

        @usableFromInline
        init(of count: Int) {
            self.tally = JoinTally(of: count)
            self.results = [BranchResult<Output>?](repeating: nil, count: count)
        }

        @inlinable var isOver: Bool { self.decision != nil || self.isStopped }
        @inlinable var isMore: Bool { !self.isOver && self.next < self.results.count }
    }

    @usableFromInline let run: DirectSplitRun
    @usableFromInline let items: [Item]
    /// How they are undone; `nil` when none can be.
    @usableFromInline let undos: DirectBranchUndos<Output>?
    @usableFromInline let branch: Branch
    @usableFromInline let state: Guarded<State>
    /// While nothing failed and fewer branches succeeded than this, the join has nothing to decide.
    @usableFromInline let enough: Int
    @usableFromInline let isPlain: Bool

    @inlinable
    init(_ run: DirectSplitRun, _ items: [Item], _ undos: DirectBranchUndos<Output>?, _ branch: @escaping Branch) {
        self.run = run
        self.items = items
        self.undos = undos
        self.branch = branch
        self.isPlain = run.split.isPlain
        self.enough = run.enough(of: items.count)
        self.state = Guarded(State(of: items.count), spins: true)
    }

    @inlinable
    func run() async -> DirectSplitEnd {
        self.state.withLock { self.decide(&$0) }
        await withTaskGroup(of: Void.self) { group in
            guard self.isMore else { return }
            if let time = self.run.within {
                group.addTask {
                    do { try await Task.sleep(for: time) } catch { return }
                    self.state.withLock { self.decide(&$0, timeIsUp: true) }
                }
            }
            if let most = self.run.split.inFlight, most < self.items.count {
                for _ in 0..<most { group.addTask { await self.drain() } }
            } else {
                group.addImmediateTask { await self.drain(atMost: DirectSplitRun.firstBranches) }
                if self.isMore {
                    for _ in 1..<max(1, min(Cores.count, self.items.count)) { group.addTask { await self.drain() } }
                }
                while self.isMore { group.addImmediateTask { await self.drain() } }
            }
            repeat {
                if self.isOver { group.cancelAll() }
            } while await group.next() != nil
        }
        return self.state.withLock { self.end(of: &$0) }
    }

    @inlinable var isMore: Bool { self.state.withLock { $0.isMore } }
    @inlinable var isOver: Bool { self.state.withLock { $0.isOver } }

    // MARK: One task

    /// Runs one branch after the other, as long as there are any; a bound is one of time, too.
    @inlinable
    func drain(atMost most: Int? = nil) async {
        var index = self.state.withLock { self.claim(&$0) }
        var breather = Breather()
        var left = most ?? .max
        while let current = index {
            left -= 1
            if breather.isTired { await breather.rest() }
            var first: (any Error)?
            if self.isPlain {
                do {
                    let output = try await self.branch(
                        self.items[current],
                        self.run.task(.branch(current), 1, due: nil)
                    )
                    let isLast = left <= 0 || (most != nil && breather.isOver(DirectSplitRun.firstTime))
                    index = self.succeed(current, output, isLast: isLast)
                    continue
                } catch { first = error }
            }
            index = await self.tryAgain(current, after: first, isLast: most != nil)
        }
    }

    @usableFromInline
    func tryAgain(_ index: Int, after first: (any Error)?, isLast: Bool) async -> Int? {
        let seed = self.run.seed ^ UInt64(truncatingIfNeeded: index) << 32
        var attempts = self.run.split.attempts(at: self.run.split.task(of: index), seed: seed)
        let end = await attempts.run(after: first) { attempt, due in
            try await self.branch(self.items[index], self.run.task(.branch(index), attempt, due: due))
        }
        return self.state.withLock { state in
            self.checkStop(&state)
            // Once it is over, only what can be undone still counts.
            if !state.isOver || self.undos?.covers(index) == true { self.take(index, end, attempts.isInDoubt, &state) }
            self.decide(&state)
            return isLast ? nil : self.claim(&state)
        }
    }

    @inlinable
    func checkStop(_ state: inout State) {
        if state.decision == nil, Task.isCancelled { state.isStopped = true }
    }

    @inlinable
    func claim(_ state: inout State) -> Int? {
        self.checkStop(&state)
        guard state.isMore else { return nil }
        state.next += 1
        return state.next - 1
    }

    /// A branch is done; returns the one that this task does next.
    @inlinable
    func succeed(_ index: Int, _ output: Output, isLast: Bool) -> Int? {
        self.state.withLock { state in
            self.checkStop(&state)
            if let undos = self.undos {
                self.takeUndoable(index, output, undos, &state)
            } else if !state.isOver {
                state.results[index] = .success(output)
                state.tally.succeed()
            }
            self.decide(&state)
            return isLast ? nil : self.claim(&state)
        }
    }

    @usableFromInline
    func takeUndoable(_ index: Int, _ output: Output, _ undos: DirectBranchUndos<Output>, _ state: inout State) {
        guard !state.isOver || undos.covers(index) else { return }
        self.take(index, .done(output), false, &state)
    }

    private func take(_ index: Int, _ end: DirectAttempts.End<Output>, _ isInDoubt: Bool, _ state: inout State) {
        switch end {
        case .done(let output):
            state.results[index] = .success(output)
            state.tally.succeed()
            guard let undo = self.undos?.undo(index, output), !self.keepsLosers(state) else { return }
            state.undos.append(self.run.split.undo(index, visit: self.run.visit, undo))
        case .failed(let failure):
            state.results[index] = .failure(failure)
            state.tally.fail()
            if isInDoubt { self.pushDoubt(index, &state) }
        case .stopped:
            if isInDoubt { state.doubts.append(index) }
        }
    }

    // MARK: All together

    @inlinable
    func decide(_ state: inout State, timeIsUp: Bool = false) {
        if state.tally.failed == 0, state.tally.pending > 0, state.tally.succeeded < self.enough, !timeIsUp { return }
        self.askJoin(&state, timeIsUp: timeIsUp)
    }

    @usableFromInline
    func askJoin(_ state: inout State, timeIsUp: Bool) {
        guard !state.isOver else { return }
        state.decision = state.tally.decision(of: self.run.split.join, timeIsUp: timeIsUp) {
            state.results.enumerated()
                .compactMap { index, result in
                    if case .failure(let failure) = result { (index, failure) } else { nil }
                }
        }
    }

    /// Whether branches that end from now on stay as they are, because the join was satisfied without them.
    private func keepsLosers(_ state: State) -> Bool {
        state.decision == .satisfied && self.run.split.losers == .keep
    }

    @usableFromInline
    func pushDoubt(_ index: Int, _ state: inout State) {
        guard let undo = self.undos?.unknown(index), !self.keepsLosers(state) else { return }
        let unknown = self.run.split.undo(index, visit: self.run.visit, undo, isUnknown: true)
        state.undos.append(unknown)
    }

    @inlinable
    func end(of state: inout State) -> DirectSplitEnd {
        if !state.doubts.isEmpty {
            for index in state.doubts.sorted() { self.pushDoubt(index, &state) }
        }
        let result: DirectSplitEnd.Result =
            switch state.decision {
            case .satisfied: .joined(JoinedBranches(state.results.map { $0 ?? .cancelled }))
            case .failed(let failure): .failed(failure)
            case nil: .stopped
            }
        let isStopped = state.decision == nil
        return DirectSplitEnd(result: result, undos: state.undos, items: isStopped ? self.items : nil)
    }
}

extension DirectSplitRun {
    /// So many branches may be done before other cores are asked to help.
    @usableFromInline static var firstBranches: Int { 32 }

    /// And so long they may take.
    @usableFromInline static var firstTime: Duration { .microseconds(20) }

    /// How long the join may take.
    @usableFromInline var within: Duration? { self.split.join.within?.duration }

    /// How many branches must succeed at least before the join has something to decide while none fails.
    @usableFromInline
    func enough(of count: Int) -> Int {
        let required = self.split.join.required(of: count)
        // A join that nothing can satisfy is decided at once.
        if required > count { return 0 }
        if case .partial = self.split.join.rule { return .max }
        return required
    }
}
