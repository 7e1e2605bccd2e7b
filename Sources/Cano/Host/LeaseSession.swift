// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine

/// Somebody who does leased work: a worker's connection, or the process itself.
package protocol LeaseSession: AnyObject, Sendable {
    /// Its number in this process.
    var id: SessionID { get }
    /// Who it is.
    var worker: WorkerID { get }
    /// Hands over what concerns it; must not wait.
    ///
    /// Returns what cannot reach the worker, because this is not its connection any more: of that, leases are lost.
    func deliver(_ deliveries: [Delivery]) -> [Delivery]
}

/// What a host tells a session.
package enum Delivery: Hashable, Sendable {
    /// Work to do.
    case lease(LeaseGrant)
    /// A lease that it offered is its own again.
    case adopted(LeaseRef)
    /// Please stop; the outcome still counts.
    case stop(LeaseRef)
    /// The lease has ended; the outcome does not count.
    case lost(LeaseRef)
    /// What became of a report or an offer.
    case answer(LeaseAnswer)
    /// What became of a checkpoint.
    case checkpointed(CheckpointAnswer)
    /// The context of a visit is not needed any more.
    case left(RunID, visit: Int)
    /// So much work waits for credit.
    case demand(Int)
    /// Shards that this process owns now.
    case owned([ShardID: Epoch])
    /// Another process owns the shard of a report or an offer.
    case notOwner(ShardID, Epoch)
}
