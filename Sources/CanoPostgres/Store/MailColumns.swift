// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// A message as the columns of `cano.inbox`.
struct MailColumns {
    private static let cancel: Int16 = 1

    let kind: Int16
    let run: RunID
    let sender: String

    init(_ mail: Mail) {
        switch mail.content {
        case .cancel(let run, let by):
            self.kind = Self.cancel
            self.run = run
            self.sender = by
        }
    }

    /// The message of a row: kind, run and sender; `nil` when this version does not know its kind.
    static func content(kind: Int16, run: RunID, sender: String) -> Mail.Content? {
        switch kind {
        case Self.cancel: .cancel(run, by: sender)
        default: nil
        }
    }
}
