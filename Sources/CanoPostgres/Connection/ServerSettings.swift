// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// What is asked of every server connection, as a second line behind the deadlines of the client.
///
/// A pooler may refuse settings at the start of a session; then the connection goes without them, and only the
/// client's deadlines and those inside the functions hold.
final class ServerSettings: Sendable {
    private let refused = Guarded(false)

    /// The value of libpq's `options`; `nil` once a pooler has refused it.
    var options: String? {
        self.refused.withLock { $0 } ? nil : Self.text
    }

    /// Whether a failure to connect is a pooler's refusal of these settings; remembered when it is.
    func areRefused(by message: String) -> Bool {
        guard message.contains("unsupported startup parameter") else { return false }
        return self.refused.withLock { refused in
            defer { refused = true }
            return !refused
        }
    }

    private static let text = [
        "statement_timeout=30s", "lock_timeout=10s", "idle_in_transaction_session_timeout=30s",
        "client_connection_check_interval=5s", "default_transaction_isolation=read\\ committed", "timezone=UTC",
    ]
    .map { "-c \($0)" }.joined(separator: " ")
}
