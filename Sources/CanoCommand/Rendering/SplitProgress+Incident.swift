// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano

extension SplitProgress {
    /// An attempt that did not end with a result.
    struct Incident: Hashable {
        enum Kind: String, Hashable {
            case lost, retried, failed
        }

        var kind: Kind
        var path: String
        var attempt: Int
        var worker: String?
        var token: String?
        var reason: String

        init(_ kind: Kind, _ entry: TimelineEntry, reason: String) {
            self.kind = kind
            self.path = entry.path ?? ""
            self.attempt = entry.attempt ?? 0
            self.worker = entry.worker
            self.token = entry.token
            self.reason = reason
        }

        /// One of several attempts that were lost together.
        init(_ lost: LostAttemptView, reason: String) {
            self.kind = .lost
            self.path = lost.path
            self.attempt = lost.attempt
            self.worker = lost.worker
            self.token = lost.token
            self.reason = reason
        }
    }
}
