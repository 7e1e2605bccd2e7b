// SPDX-License-Identifier: Apache-2.0 OR MIT

/// The trace that a run belongs to, in the form of W3C Trace Context: stored with the run, so that whoever carries it
/// on continues the trace.
public struct TraceContext: Hashable, Sendable {
    /// The header's value: version, trace id, span id and flags, 55 characters in all.
    public let traceparent: String

    /// A trace context; `nil` when the text is none of version 00.
    public init?(traceparent: String) {
        let text = Array(traceparent.utf8)
        guard text.count == 55, text[0] == 0x30, text[1] == 0x30 else { return nil }
        for (index, byte) in text.enumerated() {
            switch index {
            case 2, 35, 52: guard byte == 0x2D else { return nil }
            default: guard (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte) else { return nil }
            }
        }
        guard text[3..<35].contains(where: { $0 != 0x30 }), text[36..<52].contains(where: { $0 != 0x30 }) else {
            return nil
        }
        self.traceparent = traceparent
    }
}
