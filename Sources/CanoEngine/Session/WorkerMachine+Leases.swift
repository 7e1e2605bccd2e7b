// SPDX-License-Identifier: Apache-2.0 OR MIT

extension WorkerMachine {
    /// Begins the leases that there is credit for; hands back the others.
    mutating func take(_ grants: [LeaseGrant], from link: Link, at now: Int64) {
        var accepted: [LeaseGrant] = []
        for var grant in grants where self.held[grant.lease] == nil && self.unanswered[grant.lease] == nil {
            guard self.life == .working, self[link].credit > 0 else {
                self.report(grant.lease, .released, to: link)
                continue
            }
            self[link].credit -= 1
            self.fillContext(of: &grant, from: link)
            var held = Held(home: link)
            held.timeout = grant.timeout
            if let heartbeat = grant.heartbeat {
                held.heartbeat = min(heartbeat.milliseconds, Self.longestTimeout)
                held.lifeBy = now + min(heartbeat.milliseconds, Self.longestTimeout)
                self.nextLeaseTick = min(self.nextLeaseTick, held.lifeBy)
            }
            if let timeout = grant.timeout {
                let deadline = now + min(timeout.milliseconds, Self.longestTimeout)
                held.deadline = deadline
                self.nextLeaseTick = min(self.nextLeaseTick, deadline)
            }
            self.held[grant.lease] = held
            accepted.append(grant)
        }
        invariant(self.held.count <= self.rules.slots, "leases never outnumber the slots")
        if !accepted.isEmpty { self.effects.append(.begin(link, accepted)) }
    }

    /// No timeout counts for more than ten years, which keeps sums of times far from overflow.
    private static var longestTimeout: Int64 { 315_360_000_000 }

    private func fillContext(of grant: inout LeaseGrant, from link: Link) {
        guard case .branch(let index, let item, let context) = grant.input, context.bytes.isEmpty else { return }
        let key = VisitKey(run: grant.lease.key.run, visit: grant.lease.key.visit)
        guard let known = self[link].contexts[key] else { return }
        grant.input = .branch(index: index, item: item, context: known)
    }

    /// The task has returned: its slot is free, and what came out of it is reported if somebody wants to hear it.
    mutating func finished(_ lease: LeaseRef, _ result: AttemptReport.Result) {
        guard let held = self.held.removeValue(forKey: lease) else { return }
        switch (held.phase, result) {
        case (.abandoned, _): return
        case (.stopping(.asked, _), _): self.report(lease, result, to: held.home)
        case (.stopping(let reason, _), .stopped):
            self.report(lease, .stopped(Self.failure(of: reason, held)), to: held.home)
        case (.running, _), (.stopping, _): self.report(lease, result, to: held.home)
        }
    }

    /// Keeps the outcome until it is answered, and sends it if its coordinator can be reached now.
    func fitting(_ result: AttemptReport.Result, _ link: Link) -> AttemptReport.Result {
        let (largest, limit) = (result.largestPayload, self[link].payloadBytes)
        guard largest > limit else { return result }
        let message =
            "the outcome has a payload of \(largest) bytes, over the coordinator's limit of \(limit); return less"
        let code = CanoError.Code.limitExceeded.name
        return .failed(Failure(code: code, message: message, isRetryable: false, leavesDoubt: true), retryAfter: nil)
    }

    private mutating func report(_ lease: LeaseRef, _ result: AttemptReport.Result, to link: Link) {
        var report = Unanswered(result: self.fitting(result, link), home: link)
        if self[link].session.isWelcomed {
            report.isSent = true
            self[link].reports.append(AttemptReport(lease: lease, result: report.result))
        }
        self.unanswered[lease] = report
    }

    /// Cancels tasks whose outcome is still reported.
    mutating func stop(_ leases: [LeaseRef], because reason: Held.Reason, at now: Int64) {
        let running = leases.filter { self.held[$0]?.phase == .running }
        guard !running.isEmpty else { return }
        let reportAt = now + self.rules.stoppingPatience
        for lease in running { self.held[lease]?.phase = .stopping(reason, reportAt: reportAt) }
        self.nextLeaseTick = min(self.nextLeaseTick, reportAt)
        self.effects.append(.cancel(running))
    }

    /// Cancels tasks that nobody wants to hear of any more.
    mutating func abandon(_ leases: some Sequence<LeaseRef>) {
        let live = leases.filter { lease in self.held[lease].map { $0.phase != .abandoned } ?? false }
        guard !live.isEmpty else { return }
        for lease in live { self.held[lease]?.phase = .abandoned }
        self.effects.append(.cancel(live))
    }

    mutating func progress(_ lease: LeaseRef, _ line: String, at now: Int64) {
        if let heartbeat = self.held[lease]?.heartbeat { self.held[lease]?.lifeBy = now + heartbeat }
        guard let held = self.held[lease], held.phase == .running, now >= held.progressAt, !line.isEmpty,
            self[held.home].session.isWelcomed
        else { return }
        self.held[lease]?.progressAt = now + self.rules.progressPause
        self[held.home].frames.append(.progress(lease, line))
    }

    /// Keeps the checkpoint until it is answered, and sends it if its coordinator can be reached now.
    mutating func checkpoint(_ checkpoint: LeaseCheckpoint, at now: Int64) {
        let lease = checkpoint.lease
        guard let held = self.held[lease], held.phase == .running else {
            return self.effects.append(
                .checkpointed(CheckpointAnswer(lease: lease, number: checkpoint.number, answer: .lost))
            )
        }
        if let heartbeat = held.heartbeat { self.held[lease]?.lifeBy = now + heartbeat }
        self.held[lease]?.checkpoint = checkpoint
        guard self[held.home].session.isWelcomed, held.isOffered else { return }
        self[held.home].frames.append(.checkpoints([checkpoint]))
    }

    /// Says again what was not answered about leases that a coordinator has just been offered.
    mutating func repeatCheckpoints(of leases: [LeaseRef], to link: Link) {
        let waiting = leases.compactMap { self.held[$0]?.checkpoint }
        if !waiting.isEmpty { self[link].frames.append(.checkpoints(waiting)) }
    }

    mutating func heardCheckpointed(_ answers: [CheckpointAnswer]) {
        for answer in answers where self.held[answer.lease]?.checkpoint?.number == answer.number {
            self.held[answer.lease]?.checkpoint = nil
            self.effects.append(.checkpointed(answer))
        }
    }

    /// Stops what has run out of time, reports for what does not answer, and drops what nobody vouches for.
    mutating func checkLeases(at now: Int64) {
        guard now >= self.nextLeaseTick else { return }
        var next = Int64.max
        var late: [LeaseRef] = []
        var silent: [LeaseRef] = []
        var orphans: [LeaseRef] = []
        for lease in self.liveLeases(where: { _ in true }) {
            guard let held = self.held[lease] else { continue }
            if let until = held.orphanedUntil, held.phase == .running {
                if now >= until { orphans.append(lease) } else { next = min(next, until) }
            }
            switch held.phase {
            case .running:
                if now >= held.deadline ?? .max {
                    late.append(lease)
                } else if now >= held.lifeBy {
                    silent.append(lease)
                } else {
                    next = min(next, held.deadline ?? .max, held.lifeBy)
                }
            case .stopping(let reason, let reportAt):
                guard now >= reportAt else {
                    next = min(next, reportAt)
                    continue
                }
                self.held[lease]?.phase = .abandoned
                self.report(lease, .stopped(Self.failure(of: reason, held)), to: held.home)
            case .abandoned: continue
            }
        }
        self.nextLeaseTick = next
        self.stop(orphans, because: .distrust, at: now)
        self.stop(late, because: .timeout, at: now)
        self.stop(silent, because: .silent, at: now)
    }

    private static func failure(of reason: Held.Reason, _ held: Held) -> Failure {
        switch reason {
        case .timeout:
            let limit = held.timeout.map { "\($0.milliseconds) ms" } ?? "its limit"
            return Failure(code: "timeout", message: "the attempt took longer than \(limit)")
        case .silent:
            let limit = held.heartbeat.map { "\($0) ms" } ?? "its limit"
            return Failure(code: "heartbeatMissed", message: "the attempt gave no sign of life for \(limit)")
        case .asked: return Failure(code: "cancelled", message: "the attempt was cancelled and has not answered")
        case .drain:
            return Failure(code: Failure.workerStops, message: "the worker stops and the attempt has not answered")
        case .distrust:
            return Failure(code: Failure.workerStops, message: "no coordinator prolonged the lease in time")
        }
    }

    // MARK: Credit

    /// All free slots go to the coordinator that last asked for more, else to the first that can use them.
    mutating func giveCredit() {
        guard self.life == .working else { return }
        let slots = self.rules.slots - self.held.count
        let answers = self.rules.unansweredReports - self.unanswered.count
        let free = min(slots, answers) - self.creditGiven
        guard free > 0, let link = self.creditor else { return }
        self[link].credit += free
        self[link].frames.append(.credit(free))
        invariant(self.creditGiven + self.held.count <= self.rules.slots, "credit never exceeds the free slots")
    }

    private var creditor: Link? {
        if let favourite = self.favourite, self[favourite].session.isWelcomed { return favourite }
        return self.links.first { self[$0].session.isWelcomed && !self[$0].hasEnough }
    }

    // MARK: The end

    mutating func drain(within: Int64, at now: Int64) {
        guard self.life == .working else { return }
        let time = min(max(0, within), Self.longestTimeout)
        // Cancelled tasks need a moment to answer, and their reports another.
        let grace = min(time / 4, 2 * self.rules.stoppingPatience)
        self.life = .draining(stopAt: now + time - grace, endAt: now + time)
        for link in self.links {
            self[link].credit = 0
            if self[link].session.isWelcomed { self[link].frames.append(.draining) }
        }
    }

    mutating func checkDrain(at now: Int64) {
        guard case .draining(let stopAt, let endAt) = self.life, now >= stopAt else { return }
        self.life = .draining(stopAt: .max, endAt: endAt)
        self.stop(self.liveLeases { $0.phase == .running }, because: .drain, at: now)
    }

    mutating func endIfDone(at now: Int64) {
        if case .draining(_, let endAt) = self.life {
            if self.unanswered.isEmpty, self.liveLeases(where: { _ in true }).isEmpty {
                self.end(.drained, at: now)
            } else if now >= endAt {
                self.end(.outOfTime(unanswered: self.unanswered.count + self.held.count), at: now)
            }
        } else if self.life == .working, let refusal = self.refusal,
            self.partners.allSatisfy({ $0.session.isClosed || $0.session.state == .closing(isLast: true) })
        {
            self.end(refusal, at: now)
        }
    }

    private mutating func end(_ ending: Ending, at now: Int64) {
        self.abandon(self.liveLeases { _ in true })
        for link in self.links { self.advance(link, .stopped, at: now) }
        self.life = .ended
        self.effects.append(.stop(ending))
    }
}

extension AttemptReport.Result {
    /// The bytes of the largest payload in it.
    fileprivate var largestPayload: Int {
        switch self {
        case .completed(.task(let context, _, let output)): max(context?.count ?? 0, output?.count ?? 0)
        case .completed(.items(let items)): items.reduce(0) { max($0, $1.count) }
        case .completed(.output(let output)): output.count
        case .completed(.again(let cursor, _)): cursor?.count ?? 0
        case .carried(let completion, let following):
            following.reduce(Self.completed(completion).largestPayload) {
                max($0, Self.completed($1.completion).largestPayload)
            }
        case .completed(.route), .completed(.undone), .failed, .stopped, .released: 0
        }
    }
}
