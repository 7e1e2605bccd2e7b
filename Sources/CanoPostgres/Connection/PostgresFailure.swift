// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// Why a statement has no result, told apart by what is known about its effects.
enum PostgresFailure: Error {
    /// The server never got the whole statement: it had no effect.
    case unsent(String)
    /// The server answered with an error: the statement had no effect, the connection is sound.
    case refused(state: String, message: String)
    /// The statement was sent and no complete answer came: nobody knows.
    case lost(String)
    /// Something that was to be sent or that came back breaks a rule of ours; `sent` when it is about the answer.
    case broken(CanoError, sent: Bool)

    /// The failure of a statement whose effects do not matter, or can be asked for.
    func error(at address: PostgresAddress) -> CanoError {
        switch self {
        case .unsent(let reason), .lost(let reason):
            CanoError(.storeUnavailable, "PostgreSQL at \(address): \(reason)")
        case .refused(let state, let message):
            CanoError(Self.code(for: state), "PostgreSQL at \(address) refused: \(message) (SQLSTATE \(state))")
        case .broken(let error, _):
            error
        }
    }

    /// What became of a commit that failed this way.
    func outcome(at address: PostgresAddress) -> CommitOutcome {
        let error = self.error(at: address)
        switch self {
        case .unsent, .refused, .broken(_, sent: false): return .failed(error.code, error.message)
        case .lost, .broken(_, sent: true): return .unknown(error.message)
        }
    }

    /// Whether the statement's own rows were refused, so that the same ones would be refused again.
    var isContradiction: Bool {
        switch self {
        case .refused(let state, _): state.hasPrefix("22") || state.hasPrefix("23")
        case .unsent, .lost, .broken: false
        }
    }

    /// Whether the same session would refuse again what another one may take.
    ///
    /// It forgot a statement that it was to keep, what it kept does not fit the schema any more, or its server has
    /// become a standby.
    var isOfTheSession: Bool {
        guard case .refused(let state, _) = self else { return false }
        return ["26000", "0A000", "25006"].contains(state)
    }

    /// The failure of what was sent before a statement itself, which then never was.
    var beforehand: PostgresFailure {
        switch self {
        case .lost(let reason): .unsent(reason)
        case .broken(let error, _): .broken(error, sent: false)
        case .unsent, .refused: self
        }
    }

    /// Errors about the data themselves come again however often they are tried; all others may pass.
    private static func code(for state: String) -> CanoError.Code {
        switch state.prefix(2) {
        case "22", "23": .storeCorrupt
        default: state == "XX001" || state == "XX002" ? .storeCorrupt : .storeUnavailable
        }
    }
}
