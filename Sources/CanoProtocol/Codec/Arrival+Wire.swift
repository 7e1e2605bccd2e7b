// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

extension WireLease.OneOf_Arrival {
    init(_ arrival: CanoEngine.Arrival) {
        switch arrival {
        case .signal(let signal):
            var wire = WireSignalInput()
            wire.name = signal.name
            wire.payload = WirePayload(signal.payload)
            if let id = signal.id { wire.id = id }
            self = .signal(wire)
        case .child(let result):
            var wire = WireChildInput()
            wire.run = .init(result.run)
            if let context = result.context { wire.context = WirePayload(context) }
            switch result.outcome {
            case .succeeded: wire.succeeded = WireNothing()
            case .failed(let failure): wire.failed = WireFailure(failure)
            case .cancelled(let by): wire.cancelled = by
            case .timedOut: wire.timedOut = WireNothing()
            }
            self = .child(wire)
        }
    }
}

extension CanoEngine.Arrival {
    init(wire: WireLease.OneOf_Arrival) throws(CanoError) {
        switch wire {
        case .signal(let signal):
            self = .signal(
                RunSignal(
                    name: signal.name,
                    payload: try Payload(wire: signal.payload, "leases.signal.payload"),
                    id: signal.hasID ? signal.id : nil
                )
            )
        case .child(let child):
            let outcome: RunOutcome
            switch child.outcome {
            case .succeeded: outcome = .succeeded
            case .failed(let failure): outcome = .failed(Failure(wire: failure))
            case .cancelled(let by): outcome = .cancelled(by: by)
            case .timedOut: outcome = .timedOut
            case nil: throw violation("leases.child.outcome", "is missing or unknown")
            }
            self = .child(
                ChildResult(
                    run: try RunID(wire: child.run, "leases.child"),
                    outcome: outcome,
                    context: child.hasContext ? try Payload(wire: child.context, "leases.child.context") : nil
                )
            )
        }
    }
}
