// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import HTTPTypes

/// An error with the HTTP status that fits it, where the code alone does not tell.
struct HTTPFailure: Error {
    var status: HTTPResponse.Status
    var error: CanoError

    init(_ status: HTTPResponse.Status, _ code: CanoError.Code, _ message: String) {
        self.status = status
        self.error = CanoError(code, message)
    }
}

extension CanoError {
    /// The HTTP status that fits the code.
    var status: HTTPResponse.Status {
        switch self.code {
        case .invalidInput, .protocolViolation: .badRequest
        case .invalidDefinition, .invalidSchedule: .unprocessableContent
        case .unauthorized: .unauthorized
        case .unknownWorkflow, .unknownRun, .unknownLimit, .unknownSchedule: .notFound
        case .keyInUse, .definitionChanged, .scheduleRefused: .conflict
        case .limitExceeded: .contentTooLarge
        case .storeUnavailable, .storeBusy, .notOwner, .shuttingDown, .unreachable: .serviceUnavailable
        // Codes are open: one that nobody thought of is the server's fault, not the caller's.
        default: .internalServerError
        }
    }
}
