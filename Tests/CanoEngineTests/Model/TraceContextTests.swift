// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@Suite("Trace context")
struct TraceContextTests {
    static let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    @Test("a header of version 00 is kept as it is")
    func valid() {
        #expect(TraceContext(traceparent: Self.text)?.traceparent == Self.text)
    }

    @Test(
        "anything else is no trace context",
        arguments: [
            "", "00", "ff" + Self.text.dropFirst(2), Self.text.uppercased(), Self.text + "-x",
            String(Self.text.dropLast()),
            Self.text.replacing("-", with: "_"), "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", Self.text.replacing("4bf", with: "\u{e9}b"),
        ]
    )
    func invalid(text: String) {
        #expect(TraceContext(traceparent: text) == nil)
    }
}
