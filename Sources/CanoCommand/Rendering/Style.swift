// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// How text may be decorated.
struct Style: Hashable, Sendable {
    /// No decoration, no width.
    static let plain = Style(isColoured: false, width: nil)

    /// Whether escape sequences are understood.
    var isColoured: Bool
    /// How many columns a line may have; `nil` for any number.
    var width: Int?

    /// What a piece of text is to the reader.
    enum Tone: Hashable, Sendable {
        case plain, strong, faint, good, bad, notable
    }

    /// The text in its tone.
    func apply(_ tone: Tone, to text: String) -> String {
        switch tone {
        case .plain: text
        case .strong: self.wrap(text, "1")
        case .faint: self.wrap(text, "2")
        case .good: self.wrap(text, "32")
        case .bad: self.wrap(text, "31")
        case .notable: self.wrap(text, "33")
        }
    }

    /// The tone of a status.
    static func tone(of status: RunStatus) -> Tone {
        switch status {
        case .succeeded: .good
        case .failed, .timedOut, .blocked: .bad
        case .cancelled, .compensating: .notable
        case .active, .waiting: .plain
        }
    }

    /// A status in its tone.
    func status(_ status: RunStatus) -> String { self.apply(Self.tone(of: status), to: status.name) }

    private func wrap(_ text: String, _ code: String) -> String {
        self.isColoured && !text.isEmpty ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}
