// SPDX-License-Identifier: Apache-2.0 OR MIT

/// The run that started another one, and its visit in which it did.
///
/// It is the key of the child, so that the child's row names it for ever.
public struct ParentLink: Hashable, Sendable {
    /// The parent.
    public var run: RunID
    /// The visit.
    public var visit: Int

    /// A link from its parts.
    public init(run: RunID, visit: Int) {
        self.run = run
        self.visit = visit
    }

    /// Reads a child's key; `nil` for any other key.
    public init?(key: String?) {
        guard let parts = key?.split(separator: "/", omittingEmptySubsequences: false), parts.count == 2,
            let run = RunID(String(parts[0])), let visit = Int(parts[1]), visit > 0
        else { return nil }
        self.init(run: run, visit: visit)
    }

    /// The child's key.
    public var key: String { "\(self.run)/\(self.visit)" }
}

/// A child that a run waits for.
public struct Child: Hashable, Sendable {
    /// The child.
    public internal(set) var run: RunID
    /// How it ended; `nil` while it has not.
    public internal(set) var result: ChildResult?
    /// Whether a person decided that nobody waits for it.
    public internal(set) var isAbandoned = false
}

extension Run {
    /// The child's context was made: the child is started.
    mutating func startChild(
        context: Payload,
        _ attempt: Record.Attempt,
        at now: Instant,
        in decision: inout RunDecision
    ) {
        guard case .child(let child, _) = self.plan.states[self.position.state].step else { return }
        // Drawn from the run's seed. A child lives in its parent's shard: one owner decides about both.
        var random = SplitMix64(seed: self.seed ^ UInt64(truncatingIfNeeded: self.nextSeq))
        let id = RunID(at: now, shard: self.id.shard, random: (random.next(), random.next()))
        let start = Record.ChildStart(
            run: id,
            workflow: child.workflow,
            version: child.version,
            context: context,
            cause: attempt
        )
        self.note(.childStarted(start), in: &decision)
        // A run that is about to end starts nothing more.
        if self.position.ending != nil { return self.turnBack(at: now, in: &decision) }
        let order = ChildOrder(
            run: id,
            workflow: child.workflow,
            version: child.version,
            context: context,
            seed: random.next(),
            parent: ParentLink(run: self.id, visit: self.position.visit)
        )
        decision.mail.append(Mail(to: id.shard, .startChild(order)))
    }

    /// The child has ended; does nothing when the run does not wait for it (any more).
    public mutating func childEnded(_ result: ChildResult, at now: Instant) -> RunDecision {
        self.clock = now
        var decision = RunDecision()
        guard case .forward = self.phase, case .child(let child) = self.position.step, child.run == result.run,
            child.result == nil
        else { return decision }
        let seq = self.nextSeq
        self.note(.childEnded(result), in: &decision)
        if self.position.ending != nil {
            self.settle(at: now, in: &decision)
        } else {
            self.move(to: nil, context: nil, cause: nil, arrival: .child(seq: seq), at: now, in: &decision)
        }
        return decision
    }

    /// What becomes of the child when the run ends first.
    var childPolicy: ChildDefinition.ParentEnd? {
        guard case .child(let child, _) = self.plan.states[self.position.state].step else { return nil }
        return child.onParentEnd
    }

    /// Tells the child that its parent ends.
    mutating func cancelChild(in decision: inout RunDecision) {
        guard case .child(let child) = self.position.step, child.result == nil, self.childPolicy == .cancel else {
            return
        }
        decision.mail.append(Mail(to: child.run.shard, .cancel(child.run, by: "parent \(self.id)")))
    }

    /// Whether the run cannot end before its child has.
    func awaits(_ child: Child) -> Bool {
        child.result == nil && !child.isAbandoned && self.childPolicy != .abandon
    }
}
