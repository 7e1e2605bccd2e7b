// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// A connection between a worker and an owner.
struct Link: Hashable {
    var worker: Int
    var owner: Int
}

/// What will happen in a simulated world.
enum Happening {
    // The users.
    case start
    case cancel(RunID)
    case clearBlocked
    // The network: `session` tells messages of an earlier connection from those of this one.
    case connect(Link, life: Int)
    case toOwner(Link, SessionID, [WorkerFrame])
    case toWorker(Link, SessionID, [CoordinatorFrame])
    case close(Link, SessionID)
    // Owners; `life` tells appointments of an earlier process from those of this one.
    case renew(owner: Int, life: Int)
    case checkSessions(owner: Int, life: Int)
    case readMail(owner: Int, life: Int)
    case tell(owner: Int, life: Int, ShardID, Epoch, ShardEvent)
    case lookUp(owner: Int, life: Int, LeaseRef, SessionID)
    // The store.
    case commit(owner: Int, life: Int, ShardBatch)
    case committed(owner: Int, life: Int, ShardID, Epoch, CommitOutcome)
    case read(owner: Int, life: Int, ShardID, Epoch, ShardEffect)
    // Workers.
    case taskEnds(worker: Int, life: Int, LeaseRef)
    case unstarted(worker: Int, life: Int, [LeaseRef])
    case closed(worker: Int, life: Int, Link)
    case tick(worker: Int, life: Int)
    // Faults.
    case fault
    case restartOwner(Int)
    case restartWorker(Int)
    case heal
}

/// Something at its time; what is due at one instant happens in the order in which it was arranged.
struct Appointment: Comparable {
    var at: Instant
    var order: Int
    var happening: Happening

    static func < (left: Self, right: Self) -> Bool { (left.at, left.order) < (right.at, right.order) }
    static func == (left: Self, right: Self) -> Bool { left.order == right.order }
}
