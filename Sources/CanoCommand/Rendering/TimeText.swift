// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine

/// Times as people read them.
enum TimeText {
    /// A point in time in UTC, to the second, such as `2026-11-22 16:15:00`.
    static func moment(_ instant: Instant) -> String {
        instant.iso8601.prefix(19).split(separator: "T").joined(separator: " ")
    }

    /// A length of time with three digits or so: `250 ms`, `3.2 s`, `4 m 05 s`, `2 h 07 m`, `3 d 04 h`.
    static func length(milliseconds: Int64) -> String {
        let seconds = milliseconds / 1000
        switch milliseconds {
        case ..<0: return "0 ms"
        case ..<1000: return "\(milliseconds) ms"
        case ..<60_000: return "\(seconds).\(milliseconds % 1000 / 100) s"
        case ..<3_600_000: return "\(seconds / 60) m \(Self.pad(seconds % 60)) s"
        case ..<86_400_000: return "\(seconds / 3600) h \(Self.pad(seconds / 60 % 60)) m"
        default: return "\(seconds / 86_400) d \(Self.pad(seconds / 3600 % 24)) h"
        }
    }

    /// From one instant to another; empty when one of them is not known.
    static func between(_ start: Instant?, _ end: Instant?) -> String {
        guard let start, let end else { return "" }
        return Self.length(milliseconds: end.milliseconds(since: start))
    }

    private static func pad(_ number: Int64) -> String {
        number < 10 ? "0\(number)" : "\(number)"
    }
}
