// SPDX-License-Identifier: Apache-2.0 OR MIT

extension WorkerMachine {
    /// Moves the session with one coordinator, and draws the consequences.
    mutating func advance(_ link: Link, _ event: WorkerSession.Event, at now: Int64) {
        for effect in self[link].session.apply(event, at: now) {
            switch effect {
            case .connect(let pause): self.effects.append(.connect(link, after: pause))
            case .greet:
                self.hello.session += 1
                self[link].frames = [.hello(self.hello)]
            case .begin: self.beginSession(link)
            case .heartbeat(let number): self[link].frames.append(.heartbeat(number))
            case .accept: break  // whoever sent the event acts on the message
            case .end: self.endSession(link)
            case .distrust: self.distrust(link, at: now)
            case .complain: self.effects.append(.note(link, .violated("it said something out of turn")))
            case .disconnect: self.effects.append(.disconnect(link))
            case .leave: self.effects.append(.leave(link))
            }
        }
    }

    /// Acts on one frame of a coordinator.
    mutating func hear(_ frame: CoordinatorFrame, from link: Link, at now: Int64) {
        switch frame {
        case .welcome(let welcome):
            self[link].payloadBytes = welcome.payloadBytes
            self.advance(link, .welcomed(ttl: welcome.ttl.milliseconds), at: now)
        case .refused(let code, let message): self.refused(link, code: code, message: message, at: now)
        case .heartbeat(let number): self.advance(link, .heartbeat(number), at: now)
        case .context, .forget, .leases, .answers, .checkpointed, .cancel, .lost, .owned, .notOwner, .demand, .recalled:
            // Out of turn the session complains and closes; nothing of the message is acted on then.
            let wasWelcomed = self[link].session.isWelcomed
            self.advance(link, .message, at: now)
            if wasWelcomed { self.act(on: frame, from: link, at: now) }
        }
    }

    private mutating func act(on frame: CoordinatorFrame, from link: Link, at now: Int64) {
        switch frame {
        case .context(let run, let visit, let context):
            self[link].contexts[VisitKey(run: run, visit: visit)] = context
        case .forget(let run, let visit): self[link].contexts[VisitKey(run: run, visit: visit)] = nil
        case .leases(let grants): self.take(grants, from: link, at: now)
        case .answers(let answers):
            for answer in answers { self.unanswered[answer.lease] = nil }
            // An offer that was refused is answered so too: somebody else does the work, and must do it alone.
            self.abandon(answers.lazy.filter { $0.answer == .lost }.map(\.lease))
        case .checkpointed(let answers): self.heardCheckpointed(answers)
        case .cancel(let leases): self.stop(leases, because: .asked, at: now)
        case .lost(let leases):
            for lease in leases { self.unanswered[lease] = nil }
            self.abandon(leases)
        case .owned(let shards): self.heardOwned(shards, by: link)
        case .notOwner(let shard, let epoch, let address):
            self.heardNotOwner(shard, epoch, of: link, address: address, at: now)
        case .demand(let count):
            if count > 0 {
                self[link].hasEnough = false
                self.favourite = link
            } else if self.favourite == link {
                self.favourite = nil
            }
        case .recalled(let count):
            self[link].credit -= min(self[link].credit, max(0, count))
            self[link].hasEnough = true
            if self.favourite == link { self.favourite = nil }
        case .welcome, .refused, .heartbeat: break  // these move the session and came this far never
        }
    }

    private mutating func refused(_ link: Link, code: String, message: String, at now: Int64) {
        self.effects.append(.note(link, .refused(code: code, message: message)))
        let isFinal = code == CanoError.Code.unauthorized.name || code == CanoError.Code.definitionChanged.name
        if isFinal { self.refusal = .refused(code: code, message: message) }
        self.advance(link, .refused(isFinal: isFinal), at: now)
    }

    /// A new session knows nothing: it is offered what it owns, and told again what was not answered.
    private mutating func beginSession(_ link: Link) {
        self.effects.append(.note(link, .welcomed))
        self[link].owned = [:]
        self[link].hasEnough = false
        let leases = self.liveLeases { $0.home == link }
        for lease in leases { self.held[lease]?.isOffered = true }
        // Also when it is empty: what it does not name, this worker does not hold.
        self[link].frames.append(.resume(leases))
        self.repeatCheckpoints(of: leases, to: link)
        self.repeatReports(to: link) { $0.home == link }
        if case .draining = self.life { self[link].frames.append(.draining) }
    }

    private mutating func endSession(_ link: Link) {
        self.effects.append(.note(link, .ended))
        self[link].credit = 0
        self[link].contexts = [:]
        self[link].owned = [:]
        self[link].frames = []
        self[link].reports = []
        if self.favourite == link { self.favourite = nil }
        for (lease, report) in self.unanswered where report.home == link { self.unanswered[lease]?.isSent = false }
        for (lease, held) in self.held where held.home == link { self.held[lease]?.isOffered = false }
    }

    /// Nobody has prolonged these leases in time: the tasks stop, and say so to whoever comes back.
    ///
    /// Without that word the coordinator would have to take a slow connection, or its own slowness, for a crash.
    private mutating func distrust(_ link: Link, at now: Int64) {
        let leases = self.liveLeases { $0.home == link }
        self.effects.append(.note(link, .distrusted(leases: leases.count)))
        self.stop(leases, because: .distrust, at: now)
    }

    // MARK: Owners

    /// Leases and reports of shards that changed their owner move to the new one.
    private mutating func heardOwned(_ shards: [ShardID: Epoch], by link: Link) {
        // Who takes shards has use for credit again.
        if !shards.isEmpty { self[link].hasEnough = false }
        var raised: Set<ShardID> = []  // known before in this session, under a lower epoch
        for (shard, epoch) in shards {
            if let known = self[link].owned[shard], known < epoch { raised.insert(shard) }
            self[link].owned[shard] = epoch
        }
        let leases = self.liveLeases { _ in true }
            .filter { lease in
                guard let epoch = shards[lease.shard], lease.token.epoch < epoch else { return false }
                guard let held = self.held[lease] else { return false }
                return held.home != link || !held.isOffered || raised.contains(lease.shard)
            }
        self.offer(leases, to: link)
        self.repeatReports(to: link) { _ in
            false
        } orLease: { lease, report in
            guard let epoch = shards[lease.shard], lease.token.epoch <= epoch else { return false }
            return report.home != link || !report.isSent || raised.contains(lease.shard)
        }
    }

    /// What the coordinator does not own goes to the owner, when that is known; else it waits for `owned`.
    private mutating func heardNotOwner(
        _ shard: ShardID,
        _ epoch: Epoch,
        of link: Link,
        address: String?,
        at now: Int64
    ) {
        self[link].owned[shard] = nil
        let owner = self.links.first { other in
            guard other != link, self[other].session.isWelcomed else { return false }
            if let known = self[other].owned[shard] { return known >= epoch }
            return self[other].address == address
        }
        let leases = self.liveLeases { $0.home == link }.filter { $0.shard == shard }
        let until = self[link].session.trustedUntil ?? now
        for lease in leases {
            self.held[lease]?.isOffered = false
            // Nobody vouches for it now, so the heartbeats of this coordinator prolong it no more.
            if self.held[lease]?.orphanedUntil == nil { self.held[lease]?.orphanedUntil = until }
            self.nextLeaseTick = min(self.nextLeaseTick, until)
        }
        for (lease, report) in self.unanswered where report.home == link && lease.shard == shard {
            self.unanswered[lease]?.isSent = false
        }
        guard let owner else { return }
        self.offer(leases, to: owner)
        self.repeatReports(to: owner) { _ in
            false
        } orLease: { lease, report in
            report.home == link && lease.shard == shard
        }
    }

    private mutating func offer(_ leases: [LeaseRef], to link: Link) {
        guard !leases.isEmpty else { return }
        for lease in leases {
            self.held[lease]?.home = link
            self.held[lease]?.isOffered = true
            self.held[lease]?.orphanedUntil = nil
        }
        self[link].frames.append(.resume(leases))
        self.repeatCheckpoints(of: leases, to: link)
    }

    private mutating func repeatReports(
        to link: Link,
        where matches: (Unanswered) -> Bool,
        orLease fits: (LeaseRef, Unanswered) -> Bool = { _, _ in false }
    ) {
        let leases = self.unanswered.filter { matches($0.value) || fits($0.key, $0.value) }.keys
        for lease in leases.sorted(by: Self.isOlder) {
            guard var report = self.unanswered[lease] else { continue }
            report.home = link
            report.isSent = true
            self.unanswered[lease] = report
            self[link].reports.append(AttemptReport(lease: lease, result: report.result))
        }
    }

    /// Leases whose tasks still count, in the order of their tokens.
    func liveLeases(where matches: (Held) -> Bool) -> [LeaseRef] {
        self.held.filter { $0.value.phase != .abandoned && matches($0.value) }.keys.sorted(by: Self.isOlder)
    }

    /// An order that is the same in every process, which that of a dictionary is not.
    private static func isOlder(_ left: LeaseRef, _ right: LeaseRef) -> Bool {
        (left.token, left.key.run) < (right.token, right.key.run)
    }
}
