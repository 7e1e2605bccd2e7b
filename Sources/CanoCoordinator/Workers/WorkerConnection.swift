// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import CanoProtocol

/// One worker's connection as the engine's host sees it: turns deliveries into frames.
final class WorkerConnection: LeaseSession {
    typealias Wire = FrameConnection<WorkerFrame, CoordinatorFrame>

    /// The context of one visit.
    private struct Visit: Hashable {
        var run: RunID
        var number: Int
    }

    let id: SessionID
    let worker: WorkerID
    private let wire: Wire
    private let directory: Guarded<WorkerDirectory>
    private let clock: HostClock
    /// The visits whose context the worker has.
    private let contexts = Guarded<Set<Visit>>([])

    init(id: SessionID, worker: WorkerID, wire: Wire, directory: Guarded<WorkerDirectory>, clock: HostClock) {
        self.id = id
        self.clock = clock
        self.worker = worker
        self.wire = wire
        self.directory = directory
    }

    func close() {
        self.wire.close()
    }

    func send(_ frames: [CoordinatorFrame]) {
        self.wire.send(frames)
    }

    func deliver(_ deliveries: [Delivery]) -> [Delivery] {
        var frames: [CoordinatorFrame] = []
        var leases: [LeaseGrant] = []
        var answers: [LeaseAnswer] = []
        var undelivered: [Delivery] = []
        var checkpointed: [CheckpointAnswer] = []
        for delivery in deliveries {
            switch delivery {
            case .lease(let grant):
                if self.holds(grant) {
                    leases.append(self.prepare(grant, &frames))
                } else {
                    undelivered.append(delivery)
                }
            case .adopted(let lease):
                let now = self.clock.monotonic()
                let isHere = self.directory.withLock { $0.adopts(self.worker, lease, on: self.id, at: now) }
                if !isHere { undelivered.append(delivery) }
            case .stop(let lease): frames.append(.cancel([lease]))
            case .lost(let lease):
                self.directory.withLock { _ = $0.releases(self.worker, CollectionOfOne(lease)) }
                frames.append(.lost([lease]))
            case .answer(let answer): answers.append(answer)
            case .checkpointed(let answer): checkpointed.append(answer)
            case .left(let run, let visit):
                let visit = Visit(run: run, number: visit)
                guard self.contexts.withLock({ $0.remove(visit) != nil }) else { continue }
                frames.append(.forget(run: run, visit: visit.number))
            case .demand(let count): frames.append(.demand(count))
            case .owned(let shards): frames.append(.owned(shards))
            case .notOwner(let shard, let epoch): frames.append(.notOwner(shard, epoch, address: nil))
            }
        }
        if !leases.isEmpty { frames.append(.leases(leases)) }
        if !answers.isEmpty {
            // What was refused is nobody's any more, whether it was a report or an offer.
            let refused = answers.lazy.filter { $0.answer == .lost }.map(\.lease)
            if !refused.isEmpty { self.directory.withLock { _ = $0.releases(self.worker, refused) } }
            frames.append(.answers(answers))
        }
        if !checkpointed.isEmpty { frames.append(.checkpointed(checkpointed)) }
        if !frames.isEmpty { self.wire.send(frames) }
        return undelivered
    }

    /// Notes that the worker has the lease; false when this is not its connection any more.
    ///
    /// Should the frame get lost with the connection, the worker does not offer the lease when it comes back, and the
    /// directory gives it up.
    private func holds(_ grant: LeaseGrant) -> Bool {
        let now = self.clock.monotonic()
        return self.directory.withLock { directory in
            directory.holds(self.worker, grant.lease, state: grant.state, on: self.id, at: now)
        }
    }

    /// The context of a branch goes once per connection and visit, before the first lease that needs it.
    private func prepare(_ grant: LeaseGrant, _ frames: inout [CoordinatorFrame]) -> LeaseGrant {
        guard case .branch(let index, let item, let context) = grant.input else { return grant }
        let visit = Visit(run: grant.lease.key.run, number: grant.lease.key.visit)
        if self.contexts.withLock({ $0.insert(visit).inserted }) {
            frames.append(.context(run: visit.run, visit: visit.number, context))
        }
        var grant = grant
        grant.input = .branch(index: index, item: item, context: Payload(bytes: [], type: context.type))
        return grant
    }
}
