// SPDX-License-Identifier: Apache-2.0 OR MIT

/// The branches of the split that a run is in.
public struct Branches: Hashable, Sendable {
    /// One branch.
    public struct Branch: Hashable, Sendable {
        /// Its attempts.
        public internal(set) var unit = WorkUnit()
        /// How it ended; `nil` while it has not.
        public internal(set) var result: BranchOutcome?
    }

    /// The items, one for each branch; none when the branches are fixed.
    public let items: [Payload]
    /// How many may run at once; `nil` for no bound.
    public let limit: Int?
    /// How many branches were let in: those with an index below it.
    public private(set) var admitted = 0
    /// How many of them may still do something by themselves: they have not ended and wait for no person.
    public private(set) var open = 0
    /// The branches.
    public private(set) var all: [Branch]
    /// The sequence number of the record that brought the items.
    public let firstSeq: Int
    /// Since when the branches are known.
    public let since: Instant
    /// When the join's time is up.
    public let due: Instant?
    /// How many have ended, and how.
    public private(set) var tally: JoinTally
    /// The bytes of all outputs so far.
    public private(set) var outputBytes = 0
    /// How many are leased now.
    public private(set) var leased = 0
    /// How many wait for their next attempt.
    public private(set) var backingOff = 0
    /// How many wait for a person.
    public private(set) var parked = 0
    /// How many are recorded as held by workers that this owner has not heard from.
    public private(set) var unoffered = 0
    /// What the join decided; `nil` while it has not.
    public internal(set) var decision: JoinDecision?
    /// Until when compensatable branches are awaited after the decision.
    public internal(set) var settleBy: Instant?

    init(items: [Payload], count: Int, limit: Int?, firstSeq: Int, since: Instant, due: Instant?) {
        self.items = items
        self.limit = limit
        self.all = Array(repeating: Branch(), count: count)
        self.tally = JoinTally(of: count)
        self.firstSeq = firstSeq
        self.since = since
        self.due = due
        self.admit()
    }

    /// What a branch gets to see.
    func item(_ index: Int) -> Payload { self.items.isEmpty ? .json("null") : self.items[index] }

    /// Lets the next branches in, in order, while there is room.
    private mutating func admit() {
        let room = (self.limit ?? self.all.count) - self.open
        let new = min(max(0, room), self.all.count - self.admitted)
        self.admitted += new
        self.open += new
    }

    /// How many have neither succeeded nor failed.
    public var pending: Int { self.tally.pending }

    /// Changes the attempts of a branch; the only way, so that the counts stay true.
    mutating func change<Result>(_ index: Int, _ body: (inout WorkUnit) -> Result) -> Result {
        self.count(self.all[index].unit, by: -1)
        defer {
            self.count(self.all[index].unit, by: 1)
            self.admit()
        }
        return body(&self.all[index].unit)
    }

    private mutating func count(_ unit: WorkUnit, by change: Int) {
        switch unit.state {
        case .leased:
            self.leased += change
            self.open += change
        case .backingOff:
            self.backingOff += change
            self.open += change
        case .ready:
            if unit.isUnoffered { self.unoffered += change }
            self.open += change
        case .parked: self.parked += change
        case .closed: break
        }
    }

    mutating func end(_ index: Int, _ result: BranchOutcome) {
        invariant(self.all[index].result == nil, "branch \(index) ends once")
        switch result {
        case .success(let output):
            self.tally.succeed()
            self.outputBytes += output.count
        case .failure: self.tally.fail()
        case .cancelled: break
        }
        self.all[index].result = result
        self.change(index) { $0.close() }
    }

    /// What the join says now; `nil` when the branches that still run decide.
    func verdict(of join: JoinPolicy, timeIsUp: Bool) -> JoinDecision? {
        self.tally.decision(of: join, timeIsUp: timeIsUp) {
            var failures: [(branch: Int, failure: Failure)] = []
            for (index, branch) in self.all.enumerated() where failures.count < JoinTally.shownFailures {
                if case .failure(let failure) = branch.result { failures.append((index, failure)) }
            }
            return failures
        }
    }

    /// The result of every branch, in order; those that the join did not wait for are cancelled.
    var results: [BranchOutcome] { self.all.map { $0.result ?? .cancelled } }
}
