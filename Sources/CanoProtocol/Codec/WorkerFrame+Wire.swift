// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine
package import NIOCore
import SwiftProtobuf

extension WorkerFrame: SessionFrame {
    package var name: String {
        switch self {
        case .hello: "hello"
        case .credit: "credit"
        case .started: "started"
        case .reports: "reports"
        case .heartbeat: "heartbeat"
        case .resume: "resume"
        case .progress: "progress"
        case .checkpoints: "checkpoints"
        case .draining: "draining"
        }
    }

    package var estimatedBytes: Int {
        switch self {
        case .hello(let hello): 256 + hello.definitions.reduce(0) { $0 + 512 + 512 * $1.states.count }
        case .credit, .heartbeat, .draining: 16
        case .started(let leases), .resume(let leases): 16 + leases.count * LeaseRef.estimatedBytes
        case .reports(let reports): reports.reduce(16) { $0 + $1.estimatedBytes }
        case .checkpoints(let checkpoints):
            checkpoints.reduce(16) { $0 + LeaseRef.estimatedBytes + 24 + $1.cursor.count }
        case .progress(_, let line): 16 + LeaseRef.estimatedBytes + line.utf8.count
        }
    }

    package var halves: (WorkerFrame, WorkerFrame)? {
        switch self {
        case .started(let leases): leases.halves.map { (.started($0), .started($1)) }
        case .resume(let leases): leases.halves.map { (.resume($0), .resume($1)) }
        case .reports(let reports): reports.halves.map { (.reports($0), .reports($1)) }
        case .checkpoints(let checkpoints): checkpoints.halves.map { (.checkpoints($0), .checkpoints($1)) }
        case .hello, .credit, .heartbeat, .progress, .draining: nil
        }
    }

    package func serialized() throws(CanoError) -> [UInt8] {
        switch self {
        case .hello(let hello): return try FrameCodec.serialize(.hello(WireHello(hello)))
        case .credit(let count): return try FrameCodec.serialize(.credit(.with { $0.count = Int64(count) }))
        case .started(let leases):
            return try FrameCodec.serialize(.started(.with { $0.leases = leases.map { WireLeaseRef($0) } }))
        case .reports(let reports):
            return try FrameCodec.serialize(.reports(.with { $0.reports = reports.map { WireReport($0) } }))
        case .heartbeat(let number): return try FrameCodec.serialize(.heartbeat(.with { $0.number = number }))
        case .resume(let leases):
            return try FrameCodec.serialize(.resume(.with { $0.leases = leases.map { WireLeaseRef($0) } }))
        case .progress(let lease, let line):
            var progress = WireProgress()
            progress.lease = WireLeaseRef(lease)
            progress.line = line
            return try FrameCodec.serialize(.progress(progress))
        case .checkpoints(let checkpoints):
            return try FrameCodec.serialize(
                .checkpoints(.with { $0.checkpoints = checkpoints.map { WireCheckpoint($0) } })
            )
        case .draining: return try FrameCodec.serialize(.draining(WireDraining()))
        }
    }

    package static func parse(_ body: ByteBuffer) throws(CanoError) -> WorkerFrame? {
        switch try FrameCodec.message(in: body) {
        case .hello(let hello): return .hello(try Hello(wire: hello))
        case .credit(let credit): return .credit(try number(credit.count, "credit.count"))
        case .started(let started): return .started(try LeaseRef.list(wire: started.leases, "started.leases"))
        case .reports(let wire):
            var reports: [AttemptReport] = []
            reports.reserveCapacity(wire.reports.count)
            for report in wire.reports { reports.append(try AttemptReport(wire: report)) }
            return .reports(reports)
        case .heartbeat(let heartbeat): return .heartbeat(heartbeat.number)
        case .resume(let resume): return .resume(try LeaseRef.list(wire: resume.leases, "resume.leases"))
        case .progress(let progress):
            return .progress(try LeaseRef(wire: progress.lease, "progress.lease"), progress.line)
        case .checkpoints(let wire):
            var checkpoints: [LeaseCheckpoint] = []
            for checkpoint in wire.checkpoints { checkpoints.append(try LeaseCheckpoint(wire: checkpoint)) }
            return .checkpoints(checkpoints)
        case .draining: return .draining
        case .welcome, .refused, .leases, .answers, .checkpointed, .context, .forget, .cancel, .lost, .owned, .notOwner,
            .demand,
            .recalled, nil:
            return nil
        }
    }
}

extension WireHello {
    fileprivate init(_ hello: WorkerFrame.Hello) throws(CanoError) {
        self.init()
        self.secret = hello.secret
        self.worker = hello.worker.rawValue
        self.session = hello.session
        for definition in hello.definitions { self.definitions.append(try definition.wire()) }
        self.handlers = hello.handlers
        self.slots = Int64(hello.slots)
        self.build = hello.build
    }
}

extension WorkerFrame.Hello {
    fileprivate init(wire: WireHello) throws(CanoError) {
        guard (1...128).contains(wire.worker.count) else {
            throw violation("hello.worker", "has \(wire.worker.count) characters, but 1 to 128 are allowed")
        }
        var definitions: [Definition] = []
        for (index, definition) in wire.definitions.enumerated() {
            definitions.append(try Definition(wire: definition, "hello.definitions[\(index)]"))
        }
        self.init(
            secret: wire.secret,
            worker: WorkerID(rawValue: wire.worker),
            session: wire.session,
            definitions: definitions,
            handlers: wire.handlers,
            slots: try number(wire.slots, "hello.slots"),
            build: wire.build
        )
    }
}

extension LeaseRef {
    static let estimatedBytes = 48
}

extension AttemptReport {
    fileprivate var estimatedBytes: Int {
        let result =
            switch self.result {
            case .completed(let completion): completion.estimatedBytes
            case .carried(let completion, let following):
                following.reduce(completion.estimatedBytes) { $0 + 64 + $1.completion.estimatedBytes }
            case .released: 32
            case .failed(let failure, _), .stopped(let failure): 32 + failure.message.utf8.count
            }
        return LeaseRef.estimatedBytes + result
    }
}

extension AttemptReport.Completion {
    fileprivate var estimatedBytes: Int {
        switch self {
        case .task(let context, _, let output): 64 + (context?.count ?? 0) + (output?.count ?? 0)
        case .items(let items): items.reduce(0) { $0 + 8 + $1.count }
        case .output(let output): 8 + output.count
        case .again(let cursor, _): 16 + (cursor?.count ?? 0)
        case .route, .undone: 32
        }
    }
}

extension Array {
    /// The two halves of a list of at least two.
    var halves: ([Element], [Element])? {
        guard self.count > 1 else { return nil }
        return (Array(self.prefix(self.count / 2)), Array(self.suffix(from: self.count / 2)))
    }
}
