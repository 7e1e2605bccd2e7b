// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine
import FoundationEssentials
package import NIOCore
import SwiftProtobuf

extension CoordinatorFrame: SessionFrame {
    package var name: String {
        switch self {
        case .welcome: "welcome"
        case .refused: "refused"
        case .context: "context"
        case .forget: "forget"
        case .leases: "leases"
        case .answers: "answers"
        case .checkpointed: "checkpointed"
        case .cancel: "cancel"
        case .lost: "lost"
        case .heartbeat: "heartbeat"
        case .owned: "owned"
        case .notOwner: "notOwner"
        case .demand: "demand"
        case .recalled: "recalled"
        }
    }

    package var estimatedBytes: Int {
        switch self {
        case .welcome(let welcome): welcome.peers.reduce(64) { $0 + 8 + $1.utf8.count }
        case .refused(_, let message): 64 + message.utf8.count
        case .context(_, _, let context): 48 + context.count
        case .forget, .heartbeat, .demand, .recalled, .notOwner: 48
        case .leases(let grants): grants.reduce(16) { $0 + $1.estimatedBytes }
        case .answers(let answers): 16 + answers.count * (LeaseRef.estimatedBytes + 8)
        case .checkpointed(let answers): 16 + answers.count * (LeaseRef.estimatedBytes + 16)
        case .cancel(let leases), .lost(let leases): 16 + leases.count * LeaseRef.estimatedBytes
        case .owned(let shards): 16 + shards.count * 16
        }
    }

    package var halves: (CoordinatorFrame, CoordinatorFrame)? {
        switch self {
        case .leases(let grants): grants.halves.map { (.leases($0), .leases($1)) }
        case .answers(let answers): answers.halves.map { (.answers($0), .answers($1)) }
        case .checkpointed(let answers): answers.halves.map { (.checkpointed($0), .checkpointed($1)) }
        case .cancel(let leases): leases.halves.map { (.cancel($0), .cancel($1)) }
        case .lost(let leases): leases.halves.map { (.lost($0), .lost($1)) }
        case .welcome, .refused, .context, .forget, .heartbeat, .owned, .notOwner, .demand, .recalled: nil
        }
    }

    package func serialized() throws(CanoError) -> [UInt8] {
        try FrameCodec.serialize(self.wire)
    }

    private var wire: WireCanoFrame.OneOf_Message {
        switch self {
        case .welcome(let welcome): return .welcome(WireWelcome(welcome))
        case .refused(let code, let message): return .refused(WireRefused(code: code, message: message))
        case .context(let run, let visit, let context):
            var wire = WireVisitContext()
            wire.run = Data(run)
            wire.visit = Int64(visit)
            wire.context = WirePayload(context)
            return .context(wire)
        case .forget(let run, let visit):
            var wire = WireForget()
            wire.run = Data(run)
            wire.visit = Int64(visit)
            return .forget(wire)
        case .leases(let grants): return .leases(WireLeases(grants))
        case .answers(let answers): return .answers(.with { $0.answers = answers.map { WireAnswer($0) } })
        case .checkpointed(let answers):
            return .checkpointed(.with { $0.answers = answers.map { WireCheckpointAnswer($0) } })
        case .cancel(let leases): return .cancel(.with { $0.leases = leases.map { WireLeaseRef($0) } })
        case .lost(let leases): return .lost(.with { $0.leases = leases.map { WireLeaseRef($0) } })
        case .heartbeat(let number): return .heartbeat(.with { $0.number = number })
        case .owned(let shards): return .owned(WireOwned(shards))
        case .notOwner(let shard, let epoch, let address):
            var wire = WireNotOwner()
            wire.shard = Int64(shard.rawValue)
            wire.epoch = epoch.rawValue
            if let address { wire.address = address }
            return .notOwner(wire)
        case .demand(let count): return .demand(.with { $0.count = Int64(count) })
        case .recalled(let count): return .recalled(.with { $0.count = Int64(count) })
        }
    }

    package static func parse(_ body: ByteBuffer) throws(CanoError) -> CoordinatorFrame? {
        switch try FrameCodec.message(in: body) {
        case .welcome(let welcome): return .welcome(try Welcome(wire: welcome))
        case .refused(let refused): return .refused(code: refused.code, message: refused.message)
        case .context(let wire):
            return .context(
                run: try RunID(wire: wire.run, "context"),
                visit: try number(wire.visit, "context.visit"),
                try Payload(wire: wire.context, "context.context")
            )
        case .forget(let wire):
            return .forget(run: try RunID(wire: wire.run, "forget"), visit: try number(wire.visit, "forget.visit"))
        case .leases(let leases): return .leases(try LeaseGrant.list(wire: leases))
        case .answers(let wire):
            var answers: [LeaseAnswer] = []
            answers.reserveCapacity(wire.answers.count)
            for answer in wire.answers { answers.append(try LeaseAnswer(wire: answer)) }
            return .answers(answers)
        case .checkpointed(let wire):
            var answers: [CheckpointAnswer] = []
            for answer in wire.answers { answers.append(try CheckpointAnswer(wire: answer)) }
            return .checkpointed(answers)
        case .cancel(let cancel): return .cancel(try LeaseRef.list(wire: cancel.leases, "cancel.leases"))
        case .lost(let lost): return .lost(try LeaseRef.list(wire: lost.leases, "lost.leases"))
        case .heartbeat(let heartbeat): return .heartbeat(heartbeat.number)
        case .owned(let owned): return .owned(try owned.epochs())
        case .notOwner(let wire):
            return .notOwner(
                try ShardID(wire: wire.shard, "notOwner"),
                Epoch(rawValue: wire.epoch),
                address: wire.hasAddress ? wire.address : nil
            )
        case .demand(let demand): return .demand(try number(demand.count, "demand.count"))
        case .recalled(let recalled): return .recalled(try number(recalled.count, "recalled.count"))
        case .hello, .credit, .started, .reports, .progress, .checkpoints, .resume, .draining, nil: return nil
        }
    }
}

extension WireRefused {
    fileprivate init(code: String, message: String) {
        self.init()
        self.code = code
        self.message = message
    }
}

extension WireWelcome {
    fileprivate init(_ welcome: CoordinatorFrame.Welcome) {
        self.init()
        self.ttlMs = welcome.ttl.milliseconds
        self.frameBytes = Int64(welcome.frameBytes)
        self.payloadBytes = Int64(welcome.payloadBytes)
        self.peers = welcome.peers
    }
}

extension CoordinatorFrame.Welcome {
    fileprivate init(wire: WireWelcome) throws(CanoError) {
        guard wire.ttlMs > 0 else { throw violation("welcome.ttl_ms", "is \(wire.ttlMs)") }
        self.init(
            ttl: Span(milliseconds: wire.ttlMs),
            frameBytes: try number(wire.frameBytes, "welcome.frame_bytes"),
            payloadBytes: try number(wire.payloadBytes, "welcome.payload_bytes"),
            peers: wire.peers
        )
    }
}

extension WireOwned {
    fileprivate init(_ shards: [ShardID: Epoch]) {
        self.init()
        // In order, so that the same frame is always the same bytes.
        self.shards = shards.sorted { $0.key < $1.key }
            .map { shard, epoch in
                var wire = WireShardEpoch()
                wire.shard = Int64(shard.rawValue)
                wire.epoch = epoch.rawValue
                return wire
            }
    }

    fileprivate func epochs() throws(CanoError) -> [ShardID: Epoch] {
        var epochs: [ShardID: Epoch] = [:]
        for wire in self.shards {
            let shard = try ShardID(wire: wire.shard, "owned.shards")
            guard epochs.updateValue(Epoch(rawValue: wire.epoch), forKey: shard) == nil else {
                throw violation("owned.shards", "names shard \(shard.rawValue) twice")
            }
        }
        return epochs
    }
}

extension LeaseGrant {
    fileprivate var estimatedBytes: Int {
        let input =
            switch self.input {
            case .task(let context, let branches), .router(let context, let branches),
                .expand(let context, let branches):
                context.count + (branches ?? []).reduce(0) { $0 + $1.estimatedBytes }
            case .branch(_, let item, let context): item.count + context.count
            case .undo(_, let output): output?.count ?? 0
            }
        return LeaseRef.estimatedBytes + 64 + (self.arguments?.count ?? 0) + (self.cursor?.count ?? 0) + input
    }
}

extension BranchOutcome {
    fileprivate var estimatedBytes: Int {
        switch self {
        case .success(let output): 8 + output.count
        case .failure(let failure): 16 + failure.message.utf8.count
        case .cancelled: 4
        }
    }
}
