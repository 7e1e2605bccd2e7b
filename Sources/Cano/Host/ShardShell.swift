// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
internal import Logging

/// Drives one shard under one epoch: takes events, reduces them, commits one batch, then acts.
///
/// It decides nothing. Everybody posts events; whoever has its turn (``Turns``) drives it, one at a time, and nobody
/// waits: while a commit is under way it has no turn.
final class ShardShell: Sendable {
    /// Why a shell stopped.
    enum End: Sendable {
        /// It was told to.
        case closed
        /// A commit named the shard as stale.
        case stale
        /// Nobody knows whether a commit was written.
        case unknown(String)
    }

    /// Who may drive the shell.
    private enum Stage {
        /// Nobody yet: the shard is being made. Next: idle, due.
        case starting
        /// Nobody needs to. Next: due.
        case idle
        /// Somebody has its turn, or it is in the line for one. Next: idle, committing, pausing, ended.
        case due
        /// Nobody, until the commit is answered. Next: due.
        case committing
        /// Nobody, until a commit that failed is tried again. Next: due.
        case pausing
        /// Nobody any more.
        case ended
    }

    /// What others hand in.
    private struct Desk {
        var stage = Stage.starting
        var events: [ShardEvent] = []
        /// The store's answer to the commit that was under way.
        var answer: CommitOutcome?
        var isClosed = false
        var onEnd: CheckedContinuation<End, Never>?
    }

    /// What only the turn touches.
    struct Books {
        var shard: Shard?
        /// Grants that wait until the process trusts its lease again; another tick brings them back.
        var deferred: [ShardEvent] = []
        /// Events behind a commit that was large enough.
        var rest: ArraySlice<ShardEvent> = []
        /// What is being committed.
        var output: ShardOutput?
        /// How many events are being dealt with, for ``HostTime/busy(_:)``.
        var held = 0
        /// How long to wait before a commit that fails next is tried again.
        var pause = ShardShell.firstPause
    }

    let shard: ShardID
    let epoch: Epoch
    private let workers: Shard.Workers
    unowned let host: EngineHost
    private let desk = Guarded(Desk())
    private let books = Guarded(Books())
    /// Only the turn uses it; `nil` when nobody listens.
    let observation: Guarded<Observation>?

    private static let firstPause = Duration.milliseconds(50)
    private static let longestPause = Duration.seconds(2)
    /// How long grants and timers wait when the process does not trust its lease.
    private static let mistrust = Span(milliseconds: 100)

    /// A shell that does nothing yet; `last` is who had the shard before and did not release it.
    init(shard: ShardID, epoch: Epoch, after last: HostID? = nil, host: EngineHost) {
        self.shard = shard
        self.epoch = epoch
        self.workers = host.configuration.hasWorkersWithin ? .within(lastDied: last != nil) : .elsewhere
        self.host = host
        self.observation = Observation(host.observers).map { Guarded($0) }
    }

    // MARK: From outside

    /// Hands the shard an event; false when the shell has stopped.
    @discardableResult
    func post(_ event: ShardEvent) -> Bool {
        self.host.time.busy(1)
        let isAccepted = self.change { desk in
            guard !desk.isClosed else { return false }
            desk.events.append(event)
            return true
        }
        if !isAccepted { self.host.time.busy(-1) }
        return isAccepted
    }

    /// Stops after what is under way; what was posted before is still done.
    func close() {
        _ = self.change { desk in
            desk.isClosed = true
            return true
        }
        // Nobody will come back for what the store did not take.
        self.retry()
    }

    /// A commit that failed is tried again; the end of its pause is one thing to be busy with.
    func retry() {
        self.host.time.busy(1)
        let wasPausing = self.change { desk in
            guard case .pausing = desk.stage else { return false }
            desk.stage = .idle
            return true
        }
        if !wasPausing { self.host.time.busy(-1) }
    }

    /// Changes the desk; when that gives an idle shell something to do, it gets in line.
    private func change(_ body: (inout Desk) -> Bool) -> Bool {
        let (result, isDue) = self.desk.withLock { desk in
            let result = body(&desk)
            guard result, case .idle = desk.stage else { return (result, false) }
            desk.stage = .due
            return (result, true)
        }
        if isDue { self.host.turns.ready(self) }
        return result
    }

    /// Makes the shard and lets it be driven; returns when it is lost or closed.
    func run() async -> End {
        defer { self.observation?.withLock { $0.gaveUp(at: self.host.clock.now()) } }
        var effects: [ShardEffect] = []
        let shard = Shard(
            id: self.shard,
            epoch: self.epoch,
            plans: self.host.plans.all,
            at: self.host.clock.now(),
            leaseTime: self.host.configuration.leaseTTL,
            limits: self.host.configuration.limits,
            workers: self.workers,
            effects: &effects
        )
        if case .listening(let until) = shard.phase {
            self.host.dispatch { dispatch, _ in dispatch.listen(until: until) }
        }
        self.books.withLock { $0.shard = shard }
        self.host.perform(effects, of: self)
        return await withCheckedContinuation { continuation in
            _ = self.change { desk in
                desk.onEnd = continuation
                desk.stage = .idle
                return desk.isClosed || !desk.events.isEmpty
            }
        }
    }
}

// MARK: - A turn

extension ShardShell {
    /// What a turn finds on the desk.
    private enum Work {
        case events([ShardEvent])
        case answer(CommitOutcome)
        /// The last commit failed and is to be sent again.
        case again
        case close
    }

    /// So many looks at the desk make a turn: then others have theirs.
    private static let looks = 16

    /// Has its turn: does what there is to do, up to the next commit that takes time.
    func drive() {
        var books = self.takeBooks()
        for _ in 0..<Self.looks {
            guard let work = self.look(books) else { break }
            guard self.act(on: work, &books) else { return }
        }
        let isBehind = !books.rest.isEmpty
        self.putBack(&books)
        _ = self.change { desk in
            desk.stage = .idle
            return isBehind || !desk.events.isEmpty || desk.isClosed
        }
    }

    private func takeBooks() -> Books {
        var books = Books()
        self.books.withLock { swap(&books, &$0) }
        return books
    }

    private func putBack(_ books: inout Books) {
        self.books.withLock { swap(&books, &$0) }
    }

    private func look(_ books: Books) -> Work? {
        self.desk.withLock { desk in
            if let answer = desk.answer {
                desk.answer = nil
                return .answer(answer)
            }
            if books.output != nil { return desk.isClosed ? .close : .again }
            if !desk.events.isEmpty || !books.rest.isEmpty {
                let events = desk.events
                desk.events = []
                return .events(events)
            }
            return desk.isClosed ? .close : nil
        }
    }

    /// Returns whether the turn goes on.
    private func act(on work: Work, _ books: inout Books) -> Bool {
        switch work {
        case .events(let events): self.reduce(events, &books)
        case .answer(let outcome): self.heard(outcome, &books)
        case .again: self.commit(&books)
        case .close: self.end(.closed, &books)
        }
    }

    /// Reduces events until their rows are enough for a commit, or there are no more.
    private func reduce(_ events: [ShardEvent], _ books: inout Books) -> Bool {
        books.held += events.count
        var pending = events[...]
        if !books.deferred.isEmpty || !books.rest.isEmpty {
            pending = ArraySlice(books.deferred) + books.rest + events
            books.deferred = []
            books.rest = []
        }
        var output = ShardOutput(shard: self.shard, epoch: self.epoch, isWatched: self.observation != nil)
        // Asked once: what is granted is looked at again when it is durable, and what a timer writes is fenced.
        if !self.host.isTrusted(self.shard) { pending = self.withoutGrants(pending, &books) }
        let most = self.host.configuration.limits.commitBytes
        let queue = pending.span
        for place in queue.indices {
            books.shard?.apply(queue[place], at: self.host.clock.now(), into: &output)
            guard output.bytes < most else {
                books.rest = pending.dropFirst(place + 1)
                break
            }
        }
        books.output = output
        return self.commit(&books)
    }

    /// What may be reduced while nothing may be granted and no timer may fire: grants are put off, slots that were kept
    /// for more are given back, and the shard is woken to try again.
    private func withoutGrants(_ events: ArraySlice<ShardEvent>, _ books: inout Books) -> ArraySlice<ShardEvent> {
        let early = events.filter(\.needsTrust)
        if !early.isEmpty {
            // Another tick will come by itself. A grant has credit set aside for it, and needs none of its neighbours.
            books.deferred += early.filter { if case .grant = $0 { true } else { false } }
            self.host.alarm.set(.shard(self.shard), at: self.host.clock.now().advanced(by: Self.mistrust))
        }
        return ArraySlice(events.filter { !$0.needsTrust }.map(self.withoutSlots))
    }

    /// The event without the slots that are kept for what follows.
    private func withoutSlots(_ event: ShardEvent) -> ShardEvent {
        guard case .reports(let reports, let session, let worker, let slots) = event, slots > 0 else { return event }
        self.host.unused(session, slots)
        return .reports(reports, from: session, worker: worker)
    }

    /// Makes a batch durable, then performs what follows from it.
    private func commit(_ books: inout Books) -> Bool {
        guard let batch = books.output?.batch, let bytes = books.output?.bytes else { return true }
        if batch.isEmpty { return self.heard(nil, &books) }
        if let outcome = self.host.committer.commitAtOnce(batch) { return self.heard(outcome, &books) }
        // The answer may come at any moment from here on, and somebody else has the next turn.
        self.putBack(&books)
        self.desk.withLock { $0.stage = .committing }
        self.host.committer.commit(batch, bytes: bytes) { outcome in
            _ = self.change { desk in
                desk.answer = outcome
                desk.stage = .idle
                return true
            }
        }
        return false
    }

    /// The store has answered; `nil` when there was nothing to write.
    private func heard(_ outcome: CommitOutcome?, _ books: inout Books) -> Bool {
        guard let output = books.output else { return true }
        switch outcome {
        case nil:
            self.tell(output, without: [:])
            self.act(on: output.effects)
        case .answered(let answer):
            if answer.stale.contains(self.shard) { return self.end(.stale, &books) }
            let refused = answer.refused.filter { $0.key.shard == self.shard }
            self.tell(output, without: refused)
            let effects = books.shard?.committed(refused, effects: output.effects)
            self.act(on: effects ?? [])
        case .unknown(let message):
            return self.end(.unknown(message), &books)
        case .failed(let code, let message):
            if code == .shuttingDown { return self.end(.closed, &books) }
            // The store has something else than we think: taking the shard again tells the truth.
            if Committer.blamesContent(code) { return self.end(.unknown(message), &books) }
            return self.wait(code, message, &books)
        }
        books.output = nil
        books.pause = Self.firstPause
        self.host.time.busy(books.rest.count - books.held)
        books.held = books.rest.count
        return true
    }

    /// Runs wait while the store is away.
    private func wait(_ code: CanoError.Code, _ message: String, _ books: inout Books) -> Bool {
        self.host.logger.warning(
            "commit failed, trying again",
            metadata: ["shard": "\(self.shard.rawValue)", "code": "\(code.name)", "error": "\(message)"]
        )
        let next = self.host.clock.now().advanced(by: books.pause)
        books.pause = min(books.pause * 2, Self.longestPause)
        // Whoever ends the pause is busy with one thing again.
        let held = books.held
        books.held = 1
        self.putBack(&books)
        let isClosed = self.desk.withLock { desk in
            desk.stage = .pausing
            return desk.isClosed
        }
        self.host.alarm.set(.commit(self.shard), at: next)
        self.host.time.busy(-held)
        if isClosed { self.retry() }
        return false
    }

    /// Stops for good: what was not done is somebody else's.
    private func end(_ end: End, _ books: inout Books) -> Bool {
        let (left, continuation) = self.desk.withLock { desk in
            desk.isClosed = true
            desk.stage = .ended
            defer { (desk.events, desk.onEnd) = ([], nil) }
            return (desk.events, desk.onEnd)
        }
        if let output = books.output { self.giveBack(output.effects) }
        self.giveBack(books.deferred + Array(books.rest) + left)
        self.host.time.busy(-books.held - left.count)
        books = Books()
        continuation?.resume(returning: end)
        return false
    }
}
