// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine

/// Reads the arguments of steps, each only once: the same few come with every lease.
final class ArgumentCache<Arguments: HandlerArguments>: Sendable {
    private static var capacity: Int { 1024 }
    private let known = Guarded<[Payload: Arguments]>([:])

    func arguments(of grant: LeaseGrant) throws(WorkFailure) -> Arguments {
        if let payload = grant.arguments, let arguments = self.known.withLock({ $0[payload] }) { return arguments }
        let arguments: Arguments
        do {
            arguments = try Arguments(payload: grant.arguments)
        } catch {
            throw WorkFailure("invalidArguments", error.message)
        }
        if let payload = grant.arguments {
            self.known.withLock { known in
                if known.count >= Self.capacity { known.removeAll() }
                known[payload] = arguments
            }
        }
        return arguments
    }
}
