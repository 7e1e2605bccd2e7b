// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine

/// One JSON value as the text it was written in, checked once; its parts are read where somebody wants them.
///
/// Users' values inside it keep their exact bytes: no number is rounded, no member reordered.
package struct JSONText: Hashable, Sendable {
    /// The value's text, without blanks around it.
    package let bytes: ArraySlice<UInt8>

    private init(checked bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
    }

    /// Checks a whole document.
    ///
    /// - Parameters:
    ///   - bytes: the document.
    ///   - subject: what it is, for the message, such as `the body`.
    /// - Throws: `invalidInput` with line and column when it is not JSON.
    package init(_ bytes: [UInt8], subject: String) throws(CanoError) {
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw CanoError(.invalidInput, "\(subject) is not JSON: it is not UTF-8; send it in UTF-8")
        }
        do {
            self.init(checked: bytes[try Self.check(bytes[...])])
        } catch {
            let before = bytes[..<error.position]
            let line = before.count { $0 == 0x0A } + 1
            let column = error.position - (before.lastIndex(of: 0x0A) ?? -1)
            let place = "line \(line), column \(column)"
            throw CanoError(.invalidInput, "\(subject) is not JSON: \(error.problem) at \(place)")
        }
    }

    /// Whether these bytes are one JSON value.
    package static func isValid(_ bytes: [UInt8]) -> Bool {
        guard String(validating: bytes, as: UTF8.self) != nil else { return false }
        do {
            _ = try Self.check(bytes[...])
            return true
        } catch {
            return false
        }
    }

    private static func check(_ bytes: ArraySlice<UInt8>) throws(JSONScanner.Fault) -> Range<Int> {
        var scanner = JSONScanner(bytes)
        let value = try scanner.value()
        try scanner.end()
        return value
    }

    // MARK: Parts

    /// The members, when it is an object.
    package var members: [(name: String, value: JSONText)]? {
        guard self.bytes.first == UInt8(ascii: "{") else { return nil }
        var members: [(name: String, value: JSONText)] = []
        var scanner = JSONScanner(self.bytes)
        // The text was checked when it was made, so the scanner cannot find a fault here.
        try? scanner.object { (name, scanner) throws(JSONScanner.Fault) in
            let value = try scanner.value(depth: 1)
            members.append((Self.string(self.bytes[name]), JSONText(checked: self.bytes[value])))
        }
        return members
    }

    /// The elements, when it is an array.
    package var elements: [JSONText]? {
        guard self.bytes.first == UInt8(ascii: "[") else { return nil }
        var elements: [JSONText] = []
        var scanner = JSONScanner(self.bytes)
        // The text was checked when it was made, so the scanner cannot find a fault here.
        try? scanner.array { scanner throws(JSONScanner.Fault) in
            elements.append(JSONText(checked: self.bytes[try scanner.value(depth: 1)]))
        }
        return elements
    }

    /// Whether it is `null`.
    package var isNull: Bool { self.bytes.first == UInt8(ascii: "n") }

    /// The value, when it is `true` or `false`.
    package var bool: Bool? {
        switch self.bytes.first {
        case UInt8(ascii: "t"): true
        case UInt8(ascii: "f"): false
        default: nil
        }
    }

    /// The value, when it is a whole number.
    package var integer: Int? {
        guard let first = self.bytes.first, first == UInt8(ascii: "-") || first <= UInt8(ascii: "9") else { return nil }
        return Int(String(decoding: self.bytes, as: UTF8.self))
    }

    /// The value, when it is a string.
    package var string: String? {
        self.bytes.first == UInt8(ascii: "\"") ? Self.string(self.bytes) : nil
    }

    /// What a string says that was checked: the text between its quotes.
    static func string(_ quoted: ArraySlice<UInt8>) -> String {
        let inner = quoted.dropFirst().dropLast()
        guard inner.contains(UInt8(ascii: "\\")) else { return String(decoding: inner, as: UTF8.self) }
        return Self.unescape(inner)
    }

    /// The value as a payload that carries exactly this text.
    package var payload: Payload { Payload(bytes: Array(self.bytes), type: .json) }

    private static func unescape(_ escaped: ArraySlice<UInt8>) -> String {
        var units: [UInt16] = []
        var plain: [UInt8] = []
        var text = ""
        var rest = escaped
        func flush() {
            if !units.isEmpty { text += String(decoding: units, as: UTF16.self) }
            text += String(decoding: plain, as: UTF8.self)
            units = []
            plain = []
        }
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\"), let kind = rest.popFirst() else {
                if !units.isEmpty { flush() }
                plain.append(byte)
                continue
            }
            if kind == UInt8(ascii: "u") {
                if !plain.isEmpty { flush() }
                units.append(UInt16(String(decoding: rest.prefix(4), as: UTF8.self), radix: 16) ?? 0xFFFD)
                rest = rest.dropFirst(4)
            } else {
                if !units.isEmpty { flush() }
                plain.append(Self.meaning(of: kind))
            }
        }
        flush()
        return text
    }

    private static func meaning(of escape: UInt8) -> UInt8 {
        switch escape {
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        default: escape
        }
    }
}
