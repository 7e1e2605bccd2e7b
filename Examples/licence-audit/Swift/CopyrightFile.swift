// SPDX-License-Identifier: Apache-2.0 OR MIT

/// The text of a Debian copyright file, as bytes: no locale, no encoding.
///
/// The rules are those of the README beside; `licences.sh` follows the same ones.
struct CopyrightFile {
    private static let references = Array("/usr/share/common-licenses/".utf8)

    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The licences that the file names, each once, in the order of their bytes; `unknown` when it names none.
    var licences: [String] {
        let lines = self.bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        var found: Set<String> = []
        if Self.isMachineReadable(lines) {
            for line in lines where Self.begins(line, with: "license:") {
                found.formUnion(Self.alternatives(of: line.dropFirst("license:".utf8.count)))
            }
        }
        if found.isEmpty { found = self.referenced() }
        // All bytes of a licence are ASCII, so strings have the order of their bytes.
        return found.isEmpty ? ["unknown"] : found.sorted()
    }

    /// Whether a line of the first paragraph begins with `Format:`.
    private static func isMachineReadable(_ lines: [ArraySlice<UInt8>]) -> Bool {
        let header = lines.drop(while: Self.isBlank).prefix { !Self.isBlank($0) }
        return header.contains { Self.begins($0, with: "format:") || Self.begins($0, with: "format-specification:") }
    }

    /// The first word of each alternative of a License field.
    private static func alternatives(of value: ArraySlice<UInt8>) -> Set<String> {
        var found: Set<String> = []
        var isFirst = true
        for word in Self.words(of: value) {
            if word == [UInt8(ascii: ",")] || ["or", "and", "and/or"].contains(Self.lowercased(word)) {
                isFirst = true
                continue
            }
            guard isFirst else { continue }
            isFirst = false
            let name = Self.withoutStops(word).filter { (UInt8(ascii: "!")...UInt8(ascii: "~")).contains($0) }
            if !name.isEmpty { found.insert(String(decoding: name, as: UTF8.self)) }
        }
        return found
    }

    /// The words of a value; what separates alternatives is a word of one comma.
    private static func words(of value: ArraySlice<UInt8>) -> [[UInt8]] {
        var words: [[UInt8]] = []
        var word: [UInt8] = []
        for byte in value {
            let isSeparator = byte == UInt8(ascii: ",") || byte == UInt8(ascii: ";")
            guard isSeparator || Self.isSpace(byte) || byte == UInt8(ascii: "(") || byte == UInt8(ascii: ")") else {
                word.append(byte)
                continue
            }
            if !word.isEmpty { words.append(word) }
            word = []
            if isSeparator { words.append([UInt8(ascii: ",")]) }
        }
        return word.isEmpty ? words : words + [word]
    }

    /// The files of `/usr/share/common-licenses` that the text refers to.
    private func referenced() -> Set<String> {
        var found: Set<String> = []
        var rest = self.bytes[...]
        while let slash = rest.firstIndex(of: UInt8(ascii: "/")) {
            rest = rest[slash...]
            guard rest.starts(with: Self.references) else {
                rest = rest.dropFirst()
                continue
            }
            rest = rest.dropFirst(Self.references.count)
            let name = rest.prefix(while: Self.isInName)
            rest = rest.dropFirst(name.count)
            let plain = Self.withoutStops(Array(name))
            if !plain.isEmpty { found.insert(String(decoding: plain, as: UTF8.self)) }
        }
        return found
    }

    private static func isInName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: byte == UInt8(ascii: ".") || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-")
        }
    }

    private static func withoutStops(_ word: [UInt8]) -> [UInt8] {
        var word = word
        while word.last == UInt8(ascii: ".") { word.removeLast() }
        return word
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
    }

    private static func isBlank(_ line: ArraySlice<UInt8>) -> Bool {
        line.allSatisfy(Self.isSpace)
    }

    private static func begins(_ line: ArraySlice<UInt8>, with name: String) -> Bool {
        Self.lowercased(Array(line.prefix(name.utf8.count))) == name
    }

    private static func lowercased(_ bytes: [UInt8]) -> String {
        let lower = bytes.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
        return String(decoding: lower, as: UTF8.self)
    }
}
