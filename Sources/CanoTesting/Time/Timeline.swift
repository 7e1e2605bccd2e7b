// SPDX-License-Identifier: Apache-2.0 OR MIT

/// The state of a virtual clock: what time it is, who waits for what, and what hosts are busy with.
///
/// It decides when the time goes on; the clock resumes those whose moment has come.
struct Timeline {
    /// Who waits.
    enum Sleeper: Hashable {
        /// Code of the test.
        case outside
        /// A host, for something that a run needs; or for upkeep, which alone is no reason for the time to go on.
        case host(Int, isUpkeep: Bool)
        /// The code of an attempt.
        case attempt(Int, host: Int)

        var isUpkeep: Bool { if case .host(_, true) = self { true } else { false } }
    }

    private struct Waiting {
        var sleeper: Sleeper
        var deadline: ContinuousClock.Instant
        var continuation: CheckedContinuation<Void, Never>
    }

    private struct Host {
        var busy = 0
        var awaited = 0
    }

    private(set) var now: ContinuousClock.Instant
    private let isAutomatic: Bool
    var settlers: [CheckedContinuation<Void, Never>] = []
    private var nextID = 0
    private var waiting: [Int: Waiting] = [:]
    /// Who is about to wait.
    private var announced: Set<Int> = []
    private var cancelled: Set<Int> = []
    private var hosts: [Int: Host] = [:]
    /// By attempt: how many of its tasks wait by the clock.
    private var resting: [Int: Int] = [:]
    /// How often the time went on for upkeep alone since something was done.
    private var idleRounds = 0
    /// With nothing but upkeep left, the time stops: nobody will ever come.
    private static let mostIdleRounds = 100

    init(now: ContinuousClock.Instant, isAutomatic: Bool) {
        self.now = now
        self.isAutomatic = isAutomatic
    }

    mutating func newID() -> Int {
        self.nextID += 1
        return self.nextID
    }

    // MARK: Hosts

    mutating func open(host: Int) { self.hosts[host] = Host() }

    mutating func close(host: Int) { self.hosts[host] = nil }

    mutating func busy(_ host: Int, _ change: Int) {
        self.hosts[host]?.busy += change
        if change > 0 { self.idleRounds = 0 }
    }

    mutating func awaited(_ host: Int, _ change: Int) { self.hosts[host]?.awaited += change }

    /// Whether nothing is left to be done at this moment.
    var isIdle: Bool { self.hosts.values.allSatisfy { $0.busy <= 0 } }

    private var isAwaited: Bool {
        self.hosts.values.contains { $0.awaited > 0 } || self.waiting.values.contains { $0.sleeper == .outside }
    }

    // MARK: Waiting

    /// Somebody is about to wait.
    mutating func announce() -> Int {
        let id = self.newID()
        self.announced.insert(id)
        return id
    }

    mutating func lieDown(
        _ id: Int,
        _ sleeper: Sleeper,
        until deadline: ContinuousClock.Instant,
        releasing busy: Int,
        isCancelled: Bool,
        _ continuation: CheckedContinuation<Void, Never>
    ) {
        self.announced.remove(id)
        if case .host(let host, _) = sleeper { self.hosts[host]?.busy -= busy }
        if isCancelled || self.cancelled.contains(id) {
            self.cancelled.insert(id)
            continuation.resume()
            return
        }
        if case .attempt(let attempt, let host) = sleeper {
            self.resting[attempt, default: 0] += 1
            if self.resting[attempt] == 1 { self.hosts[host]?.busy -= 1 }
        }
        self.waiting[id] = Waiting(sleeper: sleeper, deadline: deadline, continuation: continuation)
        guard deadline <= self.now else { return }
        for continuation in self.wakeDue() { continuation.resume() }
    }

    /// Whoever was woken before is not cancelled any more.
    mutating func cancel(_ id: Int) {
        if self.announced.contains(id) { self.cancelled.insert(id) }
        guard let waiting = self.waiting.removeValue(forKey: id) else { return }
        self.cancelled.insert(id)
        if case .attempt(let attempt, let host) = waiting.sleeper { self.rise(attempt, host) }
        waiting.continuation.resume()
    }

    /// Whether the wait ended by cancellation; forgets it.
    mutating func wasCancelled(_ id: Int) -> Bool { self.cancelled.remove(id) != nil }

    private mutating func rise(_ attempt: Int, _ host: Int) {
        let left = (self.resting[attempt] ?? 1) - 1
        self.resting[attempt] = left > 0 ? left : nil
        if left == 0 { self.hosts[host]?.busy += 1 }
    }

    // MARK: Going on

    /// The next moment at which something is due; `nil` when there is none until then.
    func nextDue(notAfter target: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        let next = self.waiting.values.lazy.filter { !$0.sleeper.isUpkeep }.map(\.deadline).min()
        return next.flatMap { $0 <= target ? max($0, self.now) : nil }
    }

    /// Moves the time, and wakes whose moment has come.
    mutating func move(to moment: ContinuousClock.Instant) -> [CheckedContinuation<Void, Never>] {
        self.now = max(self.now, moment)
        return self.wakeDue()
    }

    /// Goes on while nothing is left to be done and somebody waits.
    mutating func goOn() -> [CheckedContinuation<Void, Never>] {
        var woken: [CheckedContinuation<Void, Never>] = []
        while self.isAutomatic, self.isIdle, self.isAwaited {
            let next = self.waiting.values.lazy.filter { !$0.sleeper.isUpkeep }.map(\.deadline).min()
            if let next {
                woken += self.move(to: next)
                continue
            }
            guard self.idleRounds < Self.mostIdleRounds, let upkeep = self.waiting.values.lazy.map(\.deadline).min()
            else { break }
            let rounds = self.idleRounds
            woken += self.move(to: upkeep)
            self.idleRounds = rounds + 1
        }
        if self.isIdle {
            woken += self.settlers
            self.settlers = []
        }
        return woken
    }

    private mutating func wakeDue() -> [CheckedContinuation<Void, Never>] {
        let due = self.waiting.filter { $0.value.deadline <= self.now }
            .sorted { ($0.value.deadline, $0.key) < ($1.value.deadline, $1.key) }
        for (id, waiting) in due {
            self.waiting[id] = nil
            switch waiting.sleeper {
            case .outside: break
            case .host(let host, _): self.hosts[host]?.busy += 1
            case .attempt(let attempt, let host): self.rise(attempt, host)
            }
        }
        return due.map { $0.value.continuation }
    }
}
