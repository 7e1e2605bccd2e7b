// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine

/// Writes JSON text by hand: faster than a general encoder, and users' JSON is embedded byte for byte.
///
/// Members are written in the order of the calls; the bodies of the API call in the order of their names.
package struct JSONWriter {
    /// What has been written so far.
    package private(set) var bytes: [UInt8] = []

    package init(reserving capacity: Int = 1024) {
        self.bytes.reserveCapacity(capacity)
    }

    // MARK: Containers

    /// Writes an object; `members` writes what is in it.
    package mutating func object(_ members: (inout JSONWriter) -> Void) {
        self.beginValue()
        self.bytes.append(UInt8(ascii: "{"))
        members(&self)
        self.bytes.append(UInt8(ascii: "}"))
    }

    /// Writes an array; `elements` writes what is in it.
    package mutating func array(_ elements: (inout JSONWriter) -> Void) {
        self.beginValue()
        self.bytes.append(UInt8(ascii: "["))
        elements(&self)
        self.bytes.append(UInt8(ascii: "]"))
    }

    /// Writes a member's name; its value comes next.
    package mutating func name(_ name: StaticString) {
        self.beginValue()
        self.bytes.append(UInt8(ascii: "\""))
        name.withUTF8Buffer { self.bytes.append(contentsOf: $0) }
        self.bytes.append(UInt8(ascii: "\""))
        self.bytes.append(UInt8(ascii: ":"))
    }

    // MARK: Values

    /// Writes a string.
    package mutating func string(_ text: String) {
        self.beginValue()
        self.bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 { self.escaped(byte) }
        self.bytes.append(UInt8(ascii: "\""))
    }

    /// Writes a whole number.
    package mutating func integer(_ number: Int64) {
        self.beginValue()
        self.bytes.append(contentsOf: String(number).utf8)
    }

    /// Writes `true` or `false`.
    package mutating func bool(_ flag: Bool) {
        self.beginValue()
        self.bytes.append(contentsOf: (flag ? "true" : "false").utf8)
    }

    /// Writes bytes that are JSON already.
    package mutating func raw(_ json: some Sequence<UInt8>) {
        self.beginValue()
        self.bytes.append(contentsOf: json)
    }

    /// Writes a payload: JSON as it is, everything else as a string (bytes that are no text in hexadecimal).
    package mutating func payload(_ payload: Payload) {
        switch Self.shape(of: payload) {
        case .json: self.raw(payload.bytes)
        case .text: self.string(String(decoding: payload.bytes, as: UTF8.self))
        case .binary: self.string(Self.hexadecimal(payload.bytes))
        }
    }

    /// How a payload appears: what calls itself JSON is believed only when it is.
    package static func shape(of payload: Payload) -> Payload.ContentType {
        switch payload.type {
        case .json: JSONText.isValid(payload.bytes) ? .json : .binary
        case .text: .text
        case .binary: .binary
        }
    }

    // MARK: Members

    /// Writes a member that is a string; nothing for `nil`.
    package mutating func member(_ name: StaticString, _ text: String?) {
        guard let text else { return }
        self.name(name)
        self.string(text)
    }

    /// Writes a member that is a whole number; nothing for `nil`.
    package mutating func member(_ name: StaticString, _ number: Int?) {
        guard let number else { return }
        self.name(name)
        self.integer(Int64(number))
    }

    /// Writes a member that is `true` or `false`.
    package mutating func member(_ name: StaticString, _ flag: Bool) {
        self.name(name)
        self.bool(flag)
    }

    /// Writes a member that is a point in time, as ISO 8601; nothing for `nil`.
    package mutating func member(_ name: StaticString, _ instant: Instant?) {
        self.member(name, instant?.iso8601)
    }

    /// Writes a member that is an array of strings.
    package mutating func member(_ name: StaticString, _ texts: [String]) {
        self.name(name)
        self.array { writer in
            for text in texts { writer.string(text) }
        }
    }

    // MARK: Bytes

    /// A comma stands before every value that follows another one in the same container.
    private mutating func beginValue() {
        switch self.bytes.last {
        case nil, UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: ":"): break
        default: self.bytes.append(UInt8(ascii: ","))
        }
    }

    private mutating func escaped(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"):
            self.bytes.append(UInt8(ascii: "\\"))
            self.bytes.append(byte)
        case 0x0A: self.bytes.append(contentsOf: #"\n"#.utf8)
        case 0x0D: self.bytes.append(contentsOf: #"\r"#.utf8)
        case 0x09: self.bytes.append(contentsOf: #"\t"#.utf8)
        case 0..<0x20, 0x7F:
            self.bytes.append(contentsOf: #"\u00"#.utf8)
            self.bytes.append(contentsOf: Self.hexadecimal([byte]).utf8)
        default: self.bytes.append(byte)
        }
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count * 2)
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 0x0F)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}
