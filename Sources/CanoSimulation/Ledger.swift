// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// The oracles: what the world has seen, kept apart from the engine, and the promises checked against it.
struct Ledger {
    struct WorkID: Hashable {
        var visit: Int
        var path: WorkPath
    }

    struct Work {
        var attempt = 0
        var token: Token?
        var isInDoubt = false
        var isDone = false
        var cursor: Payload?
    }

    struct Story {
        var plan: Plan
        var lastSeq = 0
        var state = 0
        var visit = 0
        var isFinished = false
        var works: [WorkID: Work] = [:]
        var endedTokens: Set<Token> = []
        var pushes: [Int] = []
        var pushed: Set<WorkID> = []
        var owed: Set<WorkID> = []
        var branches = 0
        var outputs: Set<[UInt8]> = []
        var isSatisfied = false
        var signals: [Int: String] = [:]
        var signalIDs: Set<String> = []
        var child: RunID?
    }

    let plans: [DefinitionKey: Plan]
    var stories: [RunID: Story] = [:]
    private var grants: [WorkKey: LeaseRef] = [:]
    /// The first promise that was broken.
    private(set) var violation: String?

    init(plans: [DefinitionKey: Plan]) {
        self.plans = plans
    }

    mutating func blame(_ message: String) {
        if self.violation == nil { self.violation = message }
    }

    // MARK: What became durable

    mutating func started(_ start: RunStart) {
        guard let plan = self.plans[start.definition] else { return self.blame("unknown definition") }
        self.stories[start.run] = Story(plan: plan)
    }

    mutating func wrote(_ row: HistoryRow) {
        guard var story = self.stories.removeValue(forKey: row.run) else {
            return self.blame("run \(row.run) has a record and no start")
        }
        var name: String { "run \(row.run), record \(row.seq) (\(row.kind.name))" }
        if row.seq != story.lastSeq + 1 { self.blame("\(name) follows \(story.lastSeq)") }
        if story.isFinished { self.blame("\(name) follows the end") }
        story.lastSeq = row.seq
        if let token = row.token, row.kind != .attemptHeld, row.kind != .checkpoint { story.endedTokens.insert(token) }
        do {
            let problem = story.see(try row.record(), seq: row.seq)
            if let problem { self.blame("\(name): \(problem)") }
        } catch {
            self.blame("\(name) cannot be read back: \(error)")
        }
        self.stories[row.run] = story
    }

    // MARK: What was done

    /// A lease was sent to a worker.
    mutating func granted(_ lease: LeaseRef) {
        guard let story = self.stories[lease.key.run] else { return self.blame("\(lease) before its run is durable") }
        // Granted and ended in one commit, it is sent all the same, and its revocation follows it.
        if story.isFinished, !story.endedTokens.contains(lease.token) { self.blame("\(lease) of a run that is over") }
        if let last = self.grants[lease.key] {
            if lease.token <= last.token { self.blame("\(lease) after \(last): the token does not grow") }
            let isHedged = story.plan.task(lease.key.path, in: story.state)?.hedge != nil
            if lease.attempt == last.attempt, !isHedged {
                self.blame("\(lease) after \(last): an attempt is granted twice")
            }
            let work = story.works[story.id(lease.key.path, visit: lease.key.visit)]
            if work?.attempt ?? 0 < lease.attempt - 1 { self.blame("\(lease): the end of \(last) is not recorded") }
        }
        self.grants[lease.key] = lease
    }

    /// A worker was told that its outcome is durable.
    mutating func accepted(_ lease: LeaseRef) {
        if self.stories[lease.key.run]?.endedTokens.contains(lease.token) != true {
            self.blame("\(lease) was answered before its end was durable")
        }
    }
}
