// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
internal import DequeModule

/// What there is to do next in a host: shards that have events, and leased work of the process itself.
///
/// A few loops take turns at it. A loop that will look again by itself is *awake*; another one is woken only when there
/// is more to do than those will take at once. So a run that is alone stays on one thread from the end of one step to
/// the begin of the next, and many runs use every core.
final class Turns: Sendable {
    /// One piece.
    enum Turn: Sendable {
        /// Drive this shard, which has something to do.
        case drive(ShardShell)
        /// Do this work.
        case perform(LeaseGrant)
    }

    /// What a loop does.
    enum Role: Sendable {
        /// It drives shards, until there will be none any more.
        case driver
        /// It does leased work, too, until its task is cancelled.
        case worker
    }

    fileprivate struct Waiter {
        var id: Int
        var continuation: CheckedContinuation<Bool, Never>
    }

    fileprivate struct State {
        var shells: Deque<ShardShell> = []
        var orders: Deque<LeaseGrant> = []
        var drivers: Deque<Waiter> = []
        var workers: Deque<Waiter> = []
        /// How many loops will look here again before they do anything that may take long.
        var awakeDrivers = 0
        var awakeWorkers = 0
        /// How much work was begun since a shard had its turn.
        var begun = 0
        var nextWaiter = 0
        var isClosed = false
    }

    /// So much work is begun, if there is so much, before a shard has its turn.
    private static let patience = 32

    private let state = Guarded(State())

    // MARK: What is to be done

    /// A shard has something to do.
    func ready(_ shell: ShardShell) {
        self.add { $0.shells.append(shell) }
    }

    /// There is work for the process itself.
    func order(_ grants: [LeaseGrant]) {
        guard !grants.isEmpty else { return }
        self.add { $0.orders.append(contentsOf: grants) }
    }

    private func add(_ change: (inout State) -> Void) {
        let woken = self.state.withLock { state in
            change(&state)
            return state.wakes()
        }
        woken?.resume(returning: true)
    }

    /// No shard will have anything to do any more: the drivers go home.
    func close() {
        let waiters = self.state.withLock { state in
            state.isClosed = true
            defer { state.drivers = [] }
            state.awake(.driver, state.drivers.count)
            return state.drivers.map(\.continuation)
        }
        for waiter in waiters { waiter.resume(returning: true) }
    }

    // MARK: Loops

    /// A loop is here, and will call ``next(_:_:)`` soon: at its begin, and when it comes back from work.
    func arrive(_ role: Role) {
        self.state.withLock { $0.awake(role, 1) }
    }

    /// The next turn of a loop that is awake; it is away after it has got work.
    ///
    /// `nil` when the loop should end: a driver when everything is closed, a worker when its task is cancelled. Others
    /// have the thread while the loop waits for it.
    func next(_ role: Role, _ breather: inout Breather) async -> Turn? {
        while true {
            switch self.find(role) {
            case .turn(let turn): return turn
            case .over: return nil
            case .later: if await self.wait(as: role) { breather.rested() }
            }
        }
    }

    /// What a loop finds.
    private enum Find {
        case turn(Turn)
        case later
        case over
    }

    /// Apart from ``next(_:_:)``, so that what is seldom needed has no place in its frame.
    private func find(_ role: Role) -> Find {
        let (turn, isOver, woken) = self.take(role)
        woken?.resume(returning: true)
        return turn.map { .turn($0) } ?? (isOver ? .over : .later)
    }

    private func take(_ role: Role) -> (Turn?, isOver: Bool, woken: CheckedContinuation<Bool, Never>?) {
        let isCancelled = role == .worker && Task.isCancelled
        return self.state.withLock { state in
            // What a cancelled process was to do is found again when its store is opened next.
            if isCancelled {
                state.awake(role, -1)
                return (nil, true, state.wakes())
            }
            // A worker lets a shard wait a little: the more has ended by then, the less each commit costs. When no
            // worker is there to look again, a driver has been woken for it.
            let isPatient = role == .worker && state.begun < Self.patience && !state.orders.isEmpty
            if !isPatient, let shell = state.shells.popFirst() {
                state.begun = 0
                return (.drive(shell), false, nil)
            }
            if role == .worker, let grant = state.orders.popFirst() {
                state.begun += 1
                state.awake(role, -1)
                return (.perform(grant), false, state.wakes())
            }
            guard role == .driver, state.isClosed else { return (nil, false, nil) }
            state.awake(role, -1)
            return (nil, true, nil)
        }
    }

    /// Returns when there may be something to do, and whether the loop slept until then; it is awake.
    private func wait(as role: Role) async -> Bool {
        let id = self.state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        guard role == .worker else { return await withCheckedContinuation { self.enlist($0, id, role) } }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { self.enlist($0, id, role) }
        } onCancel: {
            let waiter = self.state.withLock { state -> Waiter? in
                guard let index = state.workers.firstIndex(where: { $0.id == id }) else { return nil }
                state.awake(role, 1)
                return state.workers.remove(at: index)
            }
            waiter?.continuation.resume(returning: true)
        }
    }

    private func enlist(_ continuation: CheckedContinuation<Bool, Never>, _ id: Int, _ role: Role) {
        let goesOn = self.state.withLock { state in
            if !state.shells.isEmpty { return true }
            switch role {
            case .driver:
                if state.isClosed { return true }
                state.drivers.append(Waiter(id: id, continuation: continuation))
            case .worker:
                if !state.orders.isEmpty || Task.isCancelled { return true }
                state.workers.append(Waiter(id: id, continuation: continuation))
            }
            state.awake(role, -1)
            return false
        }
        if goesOn { continuation.resume(returning: false) }
    }
}

extension Turns.State {
    fileprivate mutating func awake(_ role: Turns.Role, _ change: Int) {
        switch role {
        case .driver: self.awakeDrivers += change
        case .worker: self.awakeWorkers += change
        }
    }

    /// Who must be woken so that everything is looked at: one at a time, as each wakes the next when it takes work.
    fileprivate mutating func wakes() -> CheckedContinuation<Bool, Never>? {
        let room = self.awakeWorkers + min(self.awakeDrivers, self.shells.count)
        guard self.shells.count + self.orders.count > room else { return nil }
        if let worker = self.workers.popFirst() {
            self.awakeWorkers += 1
            return worker.continuation
        }
        guard self.shells.count > self.awakeWorkers + self.awakeDrivers, let driver = self.drivers.popFirst() else {
            return nil
        }
        self.awakeDrivers += 1
        return driver.continuation
    }
}
