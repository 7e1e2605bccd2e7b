// SPDX-License-Identifier: Apache-2.0 OR MIT

/// A Swift file taken apart as far as the rules need it: its words without strings and comments, and its comments.
///
/// Not a parser. It knows line and nested block comments, plain, raw and multi-line strings, and code inside
/// interpolations; it does not know regular expression literals.
struct SourceText {
    /// A word or one punctuation character of the code.
    struct Token: Hashable {
        /// The word.
        var text: String
        /// The line, from 1.
        var line: Int
        /// Whether it follows the previous token without a space between.
        var isGlued: Bool
    }

    /// All lines as they are.
    let lines: [Substring]
    /// The code's words, in order.
    private(set) var tokens: [Token] = []
    /// The comments, by line (from 1).
    private(set) var comments: [Int: String] = [:]

    private enum Mode {
        case code(depth: Int)
        case string(hashes: Int, isLong: Bool)
        case lineComment
        case blockComment(depth: Int)
    }

    private let bytes: [UInt8]
    private var position = 0
    private var line = 1
    private var modes: [Mode] = [.code(depth: 0)]
    private var isGlued = false

    init(_ text: String) {
        self.lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        self.bytes = Array(text.utf8)
        while self.position < self.bytes.count { self.step() }
    }

    /// Whether a comment on this line, or on one of the `reach` lines around it, contains `word`.
    func hasComment(with word: String, near line: Int, reach: Int = 3) -> Bool {
        (line - reach...line + reach).contains { self.comments[$0]?.contains(word) ?? false }
    }

    private mutating func step() {
        if self.bytes[self.position] == UInt8(ascii: "\n") { return self.endLine() }
        switch self.modes[self.modes.count - 1] {
        case .code(let depth): self.stepInCode(depth: depth)
        case .string(let hashes, let isLong): self.stepInString(hashes: hashes, isLong: isLong)
        case .lineComment: self.takeComment(1)
        case .blockComment(let depth): self.stepInBlockComment(depth: depth)
        }
    }

    private mutating func endLine() {
        self.line += 1
        self.position += 1
        self.isGlued = false
        switch self.modes[self.modes.count - 1] {
        case .lineComment, .string(_, isLong: false): if self.modes.count > 1 { self.modes.removeLast() }
        case .code, .string, .blockComment: break
        }
    }

    private mutating func stepInCode(depth: Int) {
        let byte = self.bytes[self.position]
        if self.starts(with: "//") { return self.modes.append(.lineComment) }
        if self.starts(with: "/*") { return self.modes.append(.blockComment(depth: 0)) }
        if let opening = self.openingOfString() {
            self.position += opening.length
            self.isGlued = true
            return self.modes.append(.string(hashes: opening.hashes, isLong: opening.isLong))
        }
        if Self.isWord(byte) { return self.takeWord() }
        self.position += 1
        guard byte != UInt8(ascii: " "), byte != UInt8(ascii: "\t") else {
            self.isGlued = false
            return
        }
        if self.modes.count > 1, byte == UInt8(ascii: "(") { self.replaceMode(.code(depth: depth + 1)) }
        if self.modes.count > 1, byte == UInt8(ascii: ")") {
            if depth == 0 {
                self.modes.removeLast()
                return
            }
            self.replaceMode(.code(depth: depth - 1))
        }
        self.append(String(UnicodeScalar(byte)))
    }

    private mutating func stepInString(hashes: Int, isLong: Bool) {
        let guards = String(repeating: "#", count: hashes)
        let closing = (isLong ? "\"\"\"" : "\"") + guards
        if self.starts(with: closing) {
            self.position += closing.utf8.count
            self.modes.removeLast()
        } else if self.starts(with: "\\" + guards + "(") {
            self.position += hashes + 2
            self.isGlued = false
            self.modes.append(.code(depth: 0))
        } else if self.starts(with: "\\" + guards) {
            self.position += hashes + 1
            // The escaped character cannot close the string, but an escaped line end still ends the line.
            if self.position < self.bytes.count, self.bytes[self.position] != UInt8(ascii: "\n") { self.position += 1 }
        } else {
            self.position += 1
        }
    }

    private mutating func stepInBlockComment(depth: Int) {
        if self.starts(with: "/*") {
            self.takeComment(2)
            self.replaceMode(.blockComment(depth: depth + 1))
        } else if self.starts(with: "*/") {
            self.takeComment(2)
            if depth == 1 { self.modes.removeLast() } else { self.replaceMode(.blockComment(depth: depth - 1)) }
        } else {
            self.takeComment(1)
        }
    }

    private func openingOfString() -> (length: Int, hashes: Int, isLong: Bool)? {
        var end = self.position
        while end < self.bytes.count, self.bytes[end] == UInt8(ascii: "#") { end += 1 }
        let hashes = end - self.position
        guard end < self.bytes.count, self.bytes[end] == UInt8(ascii: "\"") else { return nil }
        let isLong = end + 2 < self.bytes.count && self.bytes[end + 1...end + 2].allSatisfy { $0 == UInt8(ascii: "\"") }
        return (hashes + (isLong ? 3 : 1), hashes, isLong)
    }

    private mutating func takeWord() {
        let start = self.position
        while self.position < self.bytes.count, Self.isWord(self.bytes[self.position]) { self.position += 1 }
        self.append(String(decoding: self.bytes[start..<self.position], as: UTF8.self))
    }

    private mutating func takeComment(_ count: Int) {
        let piece = self.bytes[self.position..<min(self.position + count, self.bytes.count)]
        self.comments[self.line, default: ""] += String(decoding: piece, as: UTF8.self)
        self.position += count
    }

    private mutating func append(_ text: String) {
        self.tokens.append(Token(text: text, line: self.line, isGlued: self.isGlued))
        self.isGlued = true
    }

    private mutating func replaceMode(_ mode: Mode) {
        self.modes[self.modes.count - 1] = mode
    }

    private func starts(with text: String) -> Bool {
        guard self.position + text.utf8.count <= self.bytes.count else { return false }
        return text.utf8.enumerated().allSatisfy { self.bytes[self.position + $0.offset] == $0.element }
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...: true
        default: false
        }
    }
}
