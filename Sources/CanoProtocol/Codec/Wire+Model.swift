// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import FoundationEssentials

/// The error for a field that holds what cannot be.
func violation(_ field: String, _ problem: String) -> CanoError {
    CanoError(.protocolViolation, "\(field) \(problem); both sides must follow cano.proto")
}

/// A count or number from the wire.
func number(_ value: Int64, _ field: @autoclosure () -> String) throws(CanoError) -> Int {
    guard value >= 0, let number = Int(exactly: value) else {
        throw violation(field(), "is \(value), which is no count")
    }
    return number
}

// MARK: Runs

extension Data {
    /// The 16 bytes of a run's id.
    init(_ run: RunID) {
        self = Swift.withUnsafeBytes(of: (run.high.bigEndian, run.low.bigEndian)) { Data($0) }
    }
}

extension RunID {
    init(wire: Data, _ field: String) throws(CanoError) {
        guard wire.count == 16 else {
            throw violation("\(field).run", "has \(wire.count) bytes, but a run id has 16")
        }
        let (high, low) = wire.withUnsafeBytes { bytes in
            (bytes.loadUnaligned(as: UInt64.self), bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        }
        self.init(high: UInt64(bigEndian: high), low: UInt64(bigEndian: low))
        guard self.shard.rawValue < ShardID.count else {
            throw violation("\(field).run", "names shard \(self.shard.rawValue), but there are \(ShardID.count)")
        }
    }
}

extension ShardID {
    init(wire: Int64, _ field: String) throws(CanoError) {
        guard let shard = UInt8(exactly: wire), shard < Self.count else {
            throw violation("\(field).shard", "is \(wire), but there are \(Self.count) shards")
        }
        self.init(rawValue: shard)
    }
}

// MARK: Leases

extension WorkPath {
    var wire: (path: WirePath, index: Int64) {
        switch self {
        case .step: (.step, 0)
        case .expand: (.expand, 0)
        case .branch(let index): (.branch, Int64(index))
        case .undo(let seq): (.undo, Int64(seq))
        }
    }

    init(wire path: WirePath, index: Int64, _ field: String) throws(CanoError) {
        switch path {
        case .step: self = .step
        case .expand: self = .expand
        case .branch: self = .branch(try number(index, "\(field).index"))
        case .undo: self = .undo(seq: try number(index, "\(field).index"))
        case .UNRECOGNIZED(let value): throw violation("\(field).path", "is \(value), which is unknown")
        }
    }
}

extension WireLeaseRef {
    init(_ lease: LeaseRef) {
        self.init()
        self.run = Data(lease.key.run)
        self.visit = Int64(lease.key.visit)
        let (path, index) = lease.key.path.wire
        self.path = path
        self.index = index
        self.attempt = Int64(lease.attempt)
        self.epoch = lease.token.epoch.rawValue
        self.counter = lease.token.counter
    }
}

extension LeaseRef {
    init(wire: WireLeaseRef, _ field: String) throws(CanoError) {
        let key = WorkKey(
            run: try RunID(wire: wire.run, field),
            visit: try number(wire.visit, "\(field).visit"),
            path: try WorkPath(wire: wire.path, index: wire.index, field)
        )
        let token = Token(epoch: Epoch(rawValue: wire.epoch), counter: wire.counter)
        self.init(key: key, attempt: try number(wire.attempt, "\(field).attempt"), token: token)
    }

    static func list(wire: [WireLeaseRef], _ field: String) throws(CanoError) -> [LeaseRef] {
        var leases: [LeaseRef] = []
        leases.reserveCapacity(wire.count)
        for lease in wire { leases.append(try LeaseRef(wire: lease, field)) }
        return leases
    }
}

// MARK: Payloads

extension WirePayload {
    init(_ payload: Payload) {
        self.init()
        self.data = Data(payload.bytes)
        switch payload.type {
        case .binary: self.type = .binary
        case .json: self.type = .json
        case .text: self.type = .text
        }
    }
}

extension Payload {
    init(wire: WirePayload, _ field: @autoclosure () -> String) throws(CanoError) {
        let type: ContentType
        switch wire.type {
        case .binary: type = .binary
        case .json: type = .json
        case .text: type = .text
        case .UNRECOGNIZED(let value): throw violation("\(field()).type", "is \(value), which is unknown")
        }
        self.init(bytes: [UInt8](wire.data), type: type)
    }

    static func list(wire: [WirePayload], _ field: String) throws(CanoError) -> [Payload] {
        var payloads: [Payload] = []
        payloads.reserveCapacity(wire.count)
        for payload in wire { payloads.append(try Payload(wire: payload, field)) }
        return payloads
    }
}

// MARK: Failures

extension WireFailure {
    init(_ failure: Failure) {
        self.init()
        self.code = failure.code
        self.message = failure.message
        self.retryable = failure.isRetryable
        self.inDoubt = failure.leavesDoubt
    }
}

extension Failure {
    init(wire: WireFailure) {
        self.init(code: wire.code, message: wire.message, isRetryable: wire.retryable, leavesDoubt: wire.inDoubt)
    }
}

// MARK: Definitions

extension Definition {
    /// JSON text with sorted keys.
    func wire() throws(CanoError) -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return try encoder.encode(self)
        } catch {
            throw CanoError(.invalidDefinition, "the definition \(self.key) cannot be sent: \(error)", cause: error)
        }
    }

    init(wire: Data, _ field: String) throws(CanoError) {
        do {
            self = try JSONDecoder().decode(Definition.self, from: wire)
        } catch {
            throw CanoError(.protocolViolation, "\(field) is not the JSON text of a definition", cause: error)
        }
    }
}
