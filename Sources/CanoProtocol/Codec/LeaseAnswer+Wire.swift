// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

extension WireVerdict {
    fileprivate init(_ answer: ReportAnswer) {
        switch answer {
        case .accepted: self = .accepted
        case .already: self = .already
        case .lost: self = .lost
        }
    }
}

extension ReportAnswer {
    fileprivate init(wire: WireVerdict, _ field: String) throws(CanoError) {
        switch wire {
        case .accepted: self = .accepted
        case .already: self = .already
        case .lost: self = .lost
        case .unspecified: throw violation(field, "is missing")
        case .UNRECOGNIZED(let value): throw violation(field, "is \(value), which is unknown")
        }
    }
}

extension WireAnswer {
    init(_ answer: LeaseAnswer) {
        self.init()
        self.lease = WireLeaseRef(answer.lease)
        self.verdict = WireVerdict(answer.answer)
    }
}

extension LeaseAnswer {
    init(wire: WireAnswer) throws(CanoError) {
        self.init(
            lease: try LeaseRef(wire: wire.lease, "answers.lease"),
            answer: try ReportAnswer(wire: wire.verdict, "answers.verdict")
        )
    }
}

// MARK: Checkpoints

extension WireCheckpoint {
    init(_ checkpoint: LeaseCheckpoint) {
        self.init()
        self.lease = WireLeaseRef(checkpoint.lease)
        self.number = checkpoint.number
        self.cursor = WirePayload(checkpoint.cursor)
    }
}

extension LeaseCheckpoint {
    init(wire: WireCheckpoint) throws(CanoError) {
        self.init(
            lease: try LeaseRef(wire: wire.lease, "checkpoints.lease"),
            number: wire.number,
            cursor: try Payload(wire: wire.cursor, "checkpoints.cursor")
        )
    }
}

extension WireCheckpointAnswer {
    init(_ answer: CheckpointAnswer) {
        self.init()
        self.lease = WireLeaseRef(answer.lease)
        self.number = answer.number
        self.verdict = WireVerdict(answer.answer)
    }
}

extension CheckpointAnswer {
    init(wire: WireCheckpointAnswer) throws(CanoError) {
        self.init(
            lease: try LeaseRef(wire: wire.lease, "checkpointed.lease"),
            number: wire.number,
            answer: try ReportAnswer(wire: wire.verdict, "checkpointed.verdict")
        )
    }
}
