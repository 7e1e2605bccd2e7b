// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano

/// The one thing in JSON that YAML reads differently.
enum JSONEscapes {
    /// Writes the surrogate pairs of a JSON text, such as `\ud83d\ude00`, as YAML wants them: `\U0001F600`.
    ///
    /// A text that is not JSON comes back as it is.
    static func forYAML(_ text: String) -> String {
        let bytes = Array(text.utf8)
        guard text.contains("\\ud") || text.contains("\\uD"), (try? JSONValue.parse(bytes)) != nil else { return text }
        var joined: [UInt8] = []
        var position = 0
        while position < bytes.count {
            if let code = Self.pair(bytes[position...]) {
                let digits = String(code, radix: 16, uppercase: true)
                joined.append(contentsOf: "\\U\(String(repeating: "0", count: 8 - digits.count))\(digits)".utf8)
                position += 12
            } else {
                // An escaped backslash is taken together with what it escapes.
                let count = bytes[position] == UInt8(ascii: "\\") ? 2 : 1
                joined.append(contentsOf: bytes[position..<min(position + count, bytes.count)])
                position += count
            }
        }
        return String(decoding: joined, as: UTF8.self)
    }

    /// The character of two escapes at the beginning of a text.
    private static func pair(_ text: ArraySlice<UInt8>) -> UInt32? {
        guard let high = Self.unit(text), (0xD800..<0xDC00).contains(high) else { return nil }
        guard let low = Self.unit(text.dropFirst(6)), (0xDC00..<0xE000).contains(low) else { return nil }
        return 0x10000 + (high - 0xD800) << 10 + (low - 0xDC00)
    }

    private static func unit(_ text: ArraySlice<UInt8>) -> UInt32? {
        guard text.starts(with: #"\u"#.utf8) else { return nil }
        return UInt32(String(decoding: text.dropFirst(2).prefix(4), as: UTF8.self), radix: 16)
    }
}
