// SPDX-License-Identifier: Apache-2.0 OR MIT

/// Walks over JSON text and checks it strictly (RFC 8259).
///
/// It is the only reader of JSON: for those who want the text as it is (``JSONText``), and for those who want values
/// (``JSONValue``).
struct JSONScanner {
    /// Where the text stops being JSON, and why.
    struct Fault: Error {
        var position: Int
        var problem: String
    }

    /// How deep arrays and objects may be nested.
    static let maximumDepth = 128

    private let bytes: ArraySlice<UInt8>
    private let maximumDepth: Int
    private(set) var position: Int

    init(_ bytes: ArraySlice<UInt8>, maximumDepth: Int = Self.maximumDepth) {
        self.bytes = bytes
        self.maximumDepth = maximumDepth
        self.position = bytes.startIndex
    }

    /// The byte that comes next; `nil` at the end.
    var next: UInt8? { self.peek() }

    /// The text between two places.
    subscript(range: Range<Int>) -> ArraySlice<UInt8> { self.bytes[range] }

    /// Checks that nothing but blanks is left.
    mutating func end() throws(Fault) {
        self.skipSpace()
        guard self.position == self.bytes.endIndex else { throw self.fault("the text goes on behind the value") }
    }

    /// Moves behind blanks and line ends.
    mutating func skipSpace() {
        while let byte = self.peek(), byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
            self.position += 1
        }
    }

    /// Moves behind one value, blanks before it included; returns where the value itself lies.
    mutating func value(depth: Int = 0) throws(Fault) -> Range<Int> {
        self.skipSpace()
        let start = self.position
        guard let first = self.peek() else { throw self.fault("a value was expected") }
        switch first {
        case UInt8(ascii: "{"):
            try self.object(depth: depth) { (_, scanner) throws(Fault) in _ = try scanner.value(depth: depth + 1) }
        case UInt8(ascii: "["):
            try self.array(depth: depth) { scanner throws(Fault) in _ = try scanner.value(depth: depth + 1) }
        case UInt8(ascii: "\""): try self.string()
        case UInt8(ascii: "t"): try self.literal("true")
        case UInt8(ascii: "f"): try self.literal("false")
        case UInt8(ascii: "n"): try self.literal("null")
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try self.number()
        default: throw self.fault("a value was expected")
        }
        return start..<self.position
    }

    /// Moves behind an object; `member` is told where each name lies, and moves behind its value.
    mutating func object(
        depth: Int = 0,
        _ member: (Range<Int>, inout JSONScanner) throws(Fault) -> Void
    ) throws(Fault) {
        try self.open("{", depth: depth)
        if self.accept("}") { return }
        while true {
            self.skipSpace()
            let start = self.position
            try self.string()
            let name = start..<self.position
            guard self.accept(":") else { throw self.fault("':' was expected") }
            try member(name, &self)
            if self.accept("}") { return }
            guard self.accept(",") else { throw self.fault("',' or '}' was expected") }
        }
    }

    /// Moves behind an array; `element` moves behind each of its elements.
    mutating func array(depth: Int = 0, _ element: (inout JSONScanner) throws(Fault) -> Void) throws(Fault) {
        try self.open("[", depth: depth)
        if self.accept("]") { return }
        while true {
            try element(&self)
            if self.accept("]") { return }
            guard self.accept(",") else { throw self.fault("',' or ']' was expected") }
        }
    }

    // MARK: Tokens

    private mutating func string() throws(Fault) {
        guard self.peek() == UInt8(ascii: "\"") else { throw self.fault("a string was expected") }
        self.position += 1
        while let byte = self.peek() {
            switch byte {
            case UInt8(ascii: "\""):
                self.position += 1
                return
            case UInt8(ascii: "\\"):
                self.position += 1
                try self.escape()
            case 0..<0x20: throw self.fault("a control character stands in a string; write it as an escape")
            default: self.position += 1
            }
        }
        throw self.fault("a string is not closed")
    }

    private mutating func escape() throws(Fault) {
        guard let byte = self.peek() else { throw self.fault("a string is not closed") }
        switch byte {
        case UInt8(ascii: "u"):
            self.position += 1
            try self.character()
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            self.position += 1
        default: throw self.fault("an unknown escape stands in a string")
        }
    }

    /// The code of a character behind `\u`; one that takes two codes has both.
    private mutating func character() throws(Fault) {
        let unit = try self.codeUnit()
        guard UTF16.isLeadSurrogate(unit) || UTF16.isTrailSurrogate(unit) else { return }
        guard UTF16.isLeadSurrogate(unit), self.peek() == UInt8(ascii: "\\") else { throw self.half }
        self.position += 1
        guard self.peek() == UInt8(ascii: "u") else { throw self.half }
        self.position += 1
        guard UTF16.isTrailSurrogate(try self.codeUnit()) else { throw self.half }
    }

    private var half: Fault { self.fault("half a surrogate pair stands in a string") }

    private mutating func codeUnit() throws(Fault) -> UInt16 {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard let byte = self.peek(), let digit = Self.digit(byte) else {
                throw self.fault("four hexadecimal digits were expected behind '\\u'")
            }
            unit = unit << 4 | digit
            self.position += 1
        }
        return unit
    }

    private mutating func number() throws(Fault) {
        if self.peek() == UInt8(ascii: "-") { self.position += 1 }
        if self.peek() == UInt8(ascii: "0") { self.position += 1 } else { try self.digits() }
        if self.peek() == UInt8(ascii: ".") {
            self.position += 1
            try self.digits()
        }
        if self.peek() == UInt8(ascii: "e") || self.peek() == UInt8(ascii: "E") {
            self.position += 1
            if self.peek() == UInt8(ascii: "+") || self.peek() == UInt8(ascii: "-") { self.position += 1 }
            try self.digits()
        }
    }

    private mutating func digits() throws(Fault) {
        let start = self.position
        while let byte = self.peek(), byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { self.position += 1 }
        if self.position == start { throw self.fault("a digit was expected") }
    }

    private mutating func literal(_ text: StaticString) throws(Fault) {
        let end = self.position + text.utf8CodeUnitCount
        let fits = end <= self.bytes.endIndex
        guard fits, text.withUTF8Buffer({ self.bytes[self.position..<end].elementsEqual($0) }) else {
            throw self.fault("a value was expected")
        }
        self.position = end
    }

    private mutating func open(_ bracket: Unicode.Scalar, depth: Int) throws(Fault) {
        guard depth < self.maximumDepth else { throw self.fault("more than \(self.maximumDepth) nested values") }
        guard self.peek() == UInt8(ascii: bracket) else { throw self.fault("'\(bracket)' was expected") }
        self.position += 1
    }

    private mutating func accept(_ character: Unicode.Scalar) -> Bool {
        self.skipSpace()
        guard self.peek() == UInt8(ascii: character) else { return false }
        self.position += 1
        return true
    }

    private func peek() -> UInt8? {
        self.position < self.bytes.endIndex ? self.bytes[self.position] : nil
    }

    private func fault(_ problem: String) -> Fault {
        Fault(position: self.position, problem: problem)
    }

    private static func digit(_ byte: UInt8) -> UInt16? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt16(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt16(byte - UInt8(ascii: "a")) + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt16(byte - UInt8(ascii: "A")) + 10
        default: nil
        }
    }
}
