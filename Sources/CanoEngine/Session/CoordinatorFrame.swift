// SPDX-License-Identifier: Apache-2.0 OR MIT

/// What a coordinator says to a worker.
public enum CoordinatorFrame: Hashable, Sendable {
    /// The answer to a greeting.
    case welcome(Welcome)
    /// The greeting, or something later, is not acceptable; the connection closes behind this frame.
    case refused(code: String, message: String)
    /// The context of a visit, sent once per session before the first branch that needs it.
    case context(run: RunID, visit: Int, Payload)
    /// The context of a visit is not needed any more.
    case forget(run: RunID, visit: Int)
    /// Work to do. The context of a branch is empty here: it came with ``context(run:visit:_:)``.
    case leases([LeaseGrant])
    /// Answers to reports.
    case answers([LeaseAnswer])
    /// Answers to checkpoints.
    case checkpointed([CheckpointAnswer])
    /// These leases should stop: the run does not want their outcome any more, unless it is already done.
    case cancel([LeaseRef])
    /// These leases are given away: stop, and forget the outcome.
    case lost([LeaseRef])
    /// The answer to a heartbeat: the leases of this session are prolonged by the TTL of the welcome, counted from when
    /// the heartbeat was *sent*.
    case heartbeat(Int64)
    /// Shards that this coordinator owns now, with their epochs. A worker that holds leases of such a shard from
    /// another coordinator offers them here with ``WorkerFrame/resume(_:)``.
    case owned([ShardID: Epoch])
    /// This coordinator does not own the shard of a report or an offer; `address` tells who does, when that is known.
    case notOwner(ShardID, Epoch, address: String?)
    /// So much work is ready that this worker could do and has no credit for. Zero: unused credit may go elsewhere.
    case demand(Int)
    /// The coordinator takes back unused credit: so much has been given up.
    case recalled(Int)

    /// What a worker is told first.
    public struct Welcome: Hashable, Sendable {
        /// How long leases live without a heartbeat.
        public var ttl: Span
        /// The largest frame that the coordinator accepts, in bytes.
        public var frameBytes: Int
        /// The largest payload that the coordinator accepts, in bytes.
        public var payloadBytes: Int
        /// Where other coordinators of the same store listen.
        public var peers: [String]

        /// A welcome from its parts.
        public init(ttl: Span, frameBytes: Int, payloadBytes: Int, peers: [String] = []) {
            self.ttl = ttl
            self.frameBytes = frameBytes
            self.payloadBytes = payloadBytes
            self.peers = peers
        }
    }
}

/// The answer to one checkpoint.
public struct CheckpointAnswer: Hashable, Sendable {
    /// The lease.
    public var lease: LeaseRef
    /// The worker's number for the checkpoint.
    public var number: Int64
    /// Whether the cursor is durable (`accepted`), or the lease is not the worker's any more (`lost`).
    public var answer: ReportAnswer

    /// An answer from its parts.
    public init(lease: LeaseRef, number: Int64, answer: ReportAnswer) {
        self.lease = lease
        self.number = number
        self.answer = answer
    }
}

/// The answer to one report.
public struct LeaseAnswer: Hashable, Sendable {
    /// The lease.
    public var lease: LeaseRef
    /// What became of its outcome.
    public var answer: ReportAnswer

    /// An answer from its parts.
    public init(lease: LeaseRef, answer: ReportAnswer) {
        self.lease = lease
        self.answer = answer
    }
}
