// SPDX-License-Identifier: Apache-2.0 OR MIT

/// A place in a JSON value (RFC 6901), such as `/files/0`.
package struct JSONPointer: Hashable, Sendable {
    /// The unescaped names on the way; none for the whole value.
    package let names: [String]

    /// Reads the text form; `nil` when it is neither empty nor begins with `/`, or has a `~` without `0` or `1`.
    package init?(_ text: String) {
        guard !text.isEmpty else {
            self.names = []
            return
        }
        guard text.utf8.first == UInt8(ascii: "/") else { return nil }
        var names: [String] = []
        for part in text.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            guard let name = Self.unescaped(part) else { return nil }
            names.append(name)
        }
        self.names = names
    }

    private static func unescaped(_ part: Substring) -> String? {
        guard part.utf8.contains(UInt8(ascii: "~")) else { return String(part) }
        var name = ""
        var isEscape = false
        for scalar in part.unicodeScalars {
            switch (isEscape, scalar) {
            case (true, "0"): name.unicodeScalars.append("~")
            case (true, "1"): name.unicodeScalars.append("/")
            case (true, _): return nil
            case (false, "~"): break
            case (false, _): name.unicodeScalars.append(scalar)
            }
            isEscape = !isEscape && scalar == "~"
        }
        return isEscape ? nil : name
    }
}

extension JSONValue {
    /// The value at a place; `nil` when there is none.
    package func value(at pointer: JSONPointer) -> JSONValue? {
        var value = self
        for name in pointer.names {
            switch value {
            case .object(let members):
                guard let member = members[name] else { return nil }
                value = member
            case .array(let elements):
                // RFC 6901: digits without a leading zero; `-`, the place behind the last element, has no value.
                let isIndex = name == "0" || name.utf8.first.map { (0x31...0x39).contains($0) } ?? false
                guard isIndex, let index = Int(name), index < elements.count else { return nil }
                value = elements[index]
            case .null, .bool, .number, .string:
                return nil
            }
        }
        return value
    }
}
