// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine

extension JSONValue {
    /// How deep a text may be nested.
    package static let maximumDepth = 128

    /// Reads a JSON text; white space around the value is skipped.
    package static func parse(
        _ bytes: [UInt8],
        maximumDepth: Int = Self.maximumDepth
    ) throws(JSONSyntaxError) -> JSONValue {
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw JSONSyntaxError(problem: "the text is not UTF-8", offset: 0)
        }
        do throws(JSONScanner.Fault) {
            var scanner = JSONScanner(bytes[...], maximumDepth: maximumDepth)
            let value = try JSONValue(from: &scanner, depth: 0)
            try scanner.end()
            return value
        } catch {
            throw JSONSyntaxError(problem: error.problem, offset: error.position)
        }
    }

    /// Reads a JSON text; white space around the value is skipped.
    package static func parse(_ text: String) throws(JSONSyntaxError) -> JSONValue {
        try Self.parse(Array(text.utf8))
    }

    /// Reads one value.
    ///
    /// Of members with the same name the last one counts, at the place of the first.
    private init(from scanner: inout JSONScanner, depth: Int) throws(JSONScanner.Fault) {
        scanner.skipSpace()
        switch scanner.next {
        case UInt8(ascii: "{"):
            var members = JSONObject()
            try scanner.object(depth: depth) { (name, scanner) throws(JSONScanner.Fault) in
                members[JSONText.string(scanner[name])] = try JSONValue(from: &scanner, depth: depth + 1)
            }
            self = .object(members)
        case UInt8(ascii: "["):
            var elements: [JSONValue] = []
            try scanner.array(depth: depth) { scanner throws(JSONScanner.Fault) in
                elements.append(try JSONValue(from: &scanner, depth: depth + 1))
            }
            self = .array(elements)
        default:
            let text = scanner[try scanner.value(depth: depth)]
            switch text.first {
            case UInt8(ascii: "\""): self = .string(JSONText.string(text))
            case UInt8(ascii: "t"): self = .bool(true)
            case UInt8(ascii: "f"): self = .bool(false)
            case UInt8(ascii: "n"): self = .null
            default: self = .number(JSONNumber(validated: String(decoding: text, as: UTF8.self)))
            }
        }
    }

    /// The value without any white space, in UTF-8.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        self.write(to: &bytes)
        return bytes
    }

    /// The value without any white space.
    package var text: String { String(decoding: self.bytes, as: UTF8.self) }

    /// The value as a payload.
    package var payload: Payload { Payload(bytes: self.bytes, type: .json) }

    private func write(to bytes: inout [UInt8]) {
        switch self {
        case .null: bytes.append(contentsOf: "null".utf8)
        case .bool(let value): bytes.append(contentsOf: (value ? "true" : "false").utf8)
        case .number(let number): bytes.append(contentsOf: number.literal.utf8)
        case .string(let text): Self.write(text, to: &bytes)
        case .array(let elements):
            bytes.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                element.write(to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let members):
            bytes.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                Self.write(member.key, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                member.value.write(to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    /// Writes a string in quotes; only what JSON demands is escaped.
    package static func write(_ text: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): bytes.append(contentsOf: #"\""#.utf8)
            case UInt8(ascii: "\\"): bytes.append(contentsOf: #"\\"#.utf8)
            case 0x0A: bytes.append(contentsOf: #"\n"#.utf8)
            case 0x0D: bytes.append(contentsOf: #"\r"#.utf8)
            case 0x09: bytes.append(contentsOf: #"\t"#.utf8)
            case 0..<0x20:
                bytes.append(contentsOf: (byte < 0x10 ? #"\u000"# : #"\u001"#).utf8)
                bytes.append(contentsOf: String(byte & 0x0F, radix: 16).utf8)
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
