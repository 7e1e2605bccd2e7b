// SPDX-License-Identifier: Apache-2.0 OR MIT

/// Reads JSON text (RFC 8259) strictly, with a bound on its depth.
///
/// Of members with the same name the last one counts, at the place of the first.
struct JSONParser {
    private var bytes: UnsafeBufferPointer<UInt8>
    private var position = 0
    private var depth = 0
    private let maximumDepth: Int

    /// The value of a whole text; white space around it is skipped.
    static func parse(_ bytes: [UInt8], maximumDepth: Int) throws(JSONSyntaxError) -> JSONValue {
        let result = bytes.withUnsafeBufferPointer { buffer -> Result<JSONValue, JSONSyntaxError> in
            var parser = JSONParser(bytes: buffer, maximumDepth: maximumDepth)
            do throws(JSONSyntaxError) {
                return .success(try parser.document())
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private init(bytes: UnsafeBufferPointer<UInt8>, maximumDepth: Int) {
        self.bytes = bytes
        self.maximumDepth = maximumDepth
    }

    private mutating func document() throws(JSONSyntaxError) -> JSONValue {
        let value = try self.value()
        self.skipSpace()
        guard self.position == self.bytes.count else { throw self.error("text behind the value") }
        return value
    }

    private func error(_ problem: String) -> JSONSyntaxError {
        JSONSyntaxError(problem: problem, offset: self.position)
    }

    private var next: UInt8? { self.position < self.bytes.count ? self.bytes[self.position] : nil }

    private mutating func skipSpace() {
        while let byte = self.next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { self.position += 1 }
    }

    private mutating func value() throws(JSONSyntaxError) -> JSONValue {
        self.skipSpace()
        guard let byte = self.next else { throw self.error("the text ends where a value is expected") }
        switch byte {
        case UInt8(ascii: "{"): return try self.object()
        case UInt8(ascii: "["): return try self.array()
        case UInt8(ascii: "\""): return .string(try self.string())
        case UInt8(ascii: "t"): return try self.word("true", .bool(true))
        case UInt8(ascii: "f"): return try self.word("false", .bool(false))
        case UInt8(ascii: "n"): return try self.word("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try self.number())
        default: throw self.error("no JSON value begins with this character")
        }
    }

    private mutating func word(_ word: StaticString, _ value: JSONValue) throws(JSONSyntaxError) -> JSONValue {
        let length = word.utf8CodeUnitCount
        guard self.bytes.count - self.position >= length else { throw self.error("the text ends within a word") }
        for index in 0..<length where self.bytes[self.position + index] != word.utf8Start[index] {
            throw self.error("this word is not JSON")
        }
        self.position += length
        return value
    }

    private mutating func enter() throws(JSONSyntaxError) {
        self.depth += 1
        guard self.depth <= self.maximumDepth else {
            throw self.error("nested deeper than \(self.maximumDepth) levels")
        }
        self.position += 1
        self.skipSpace()
    }

    private mutating func object() throws(JSONSyntaxError) -> JSONValue {
        try self.enter()
        defer { self.depth -= 1 }
        var members = JSONObject()
        if self.next == UInt8(ascii: "}") {
            self.position += 1
            return .object(members)
        }
        while true {
            self.skipSpace()
            guard self.next == UInt8(ascii: "\"") else { throw self.error("a member's name in quotes is expected") }
            let name = try self.string()
            self.skipSpace()
            guard self.next == UInt8(ascii: ":") else { throw self.error("':' is expected") }
            self.position += 1
            members[name] = try self.value()
            if try self.isLast(closedBy: UInt8(ascii: "}")) { return .object(members) }
        }
    }

    private mutating func array() throws(JSONSyntaxError) -> JSONValue {
        try self.enter()
        defer { self.depth -= 1 }
        var elements: [JSONValue] = []
        if self.next == UInt8(ascii: "]") {
            self.position += 1
            return .array(elements)
        }
        while true {
            elements.append(try self.value())
            if try self.isLast(closedBy: UInt8(ascii: "]")) { return .array(elements) }
        }
    }

    private mutating func isLast(closedBy closing: UInt8) throws(JSONSyntaxError) -> Bool {
        self.skipSpace()
        guard let byte = self.next, byte == closing || byte == UInt8(ascii: ",") else {
            throw self.error("',' or '\(Character(Unicode.Scalar(closing)))' is expected")
        }
        self.position += 1
        return byte == closing
    }

    private mutating func number() throws(JSONSyntaxError) -> JSONNumber {
        let start = self.position
        if self.next == UInt8(ascii: "-") { self.position += 1 }
        if self.next == UInt8(ascii: "0") {
            self.position += 1
        } else {
            try self.digits()
        }
        if self.next == UInt8(ascii: ".") {
            self.position += 1
            try self.digits()
        }
        if self.next == UInt8(ascii: "e") || self.next == UInt8(ascii: "E") {
            self.position += 1
            if self.next == UInt8(ascii: "+") || self.next == UInt8(ascii: "-") { self.position += 1 }
            try self.digits()
        }
        let literal = UnsafeBufferPointer(rebasing: self.bytes[start..<self.position])
        return JSONNumber(validated: String(decoding: literal, as: UTF8.self))
    }

    private mutating func digits() throws(JSONSyntaxError) {
        let start = self.position
        while let byte = self.next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { self.position += 1 }
        guard self.position > start else { throw self.error("a digit is expected") }
    }
}

// MARK: Strings

extension JSONParser {
    private mutating func string() throws(JSONSyntaxError) -> String {
        self.position += 1
        var plain = self.position
        var text = ""
        while let byte = self.next {
            switch byte {
            case UInt8(ascii: "\""):
                text += try self.text(from: plain)
                self.position += 1
                return text
            case UInt8(ascii: "\\"):
                text += try self.text(from: plain)
                self.position += 1
                text.unicodeScalars.append(try self.escape())
                plain = self.position
            case 0..<0x20:
                throw self.error("a control character stands unescaped in a string")
            default:
                self.position += 1
            }
        }
        throw self.error("the text ends within a string")
    }

    private func text(from start: Int) throws(JSONSyntaxError) -> String {
        let slice = UnsafeBufferPointer(rebasing: self.bytes[start..<self.position])
        guard let text = String(validating: slice, as: UTF8.self) else {
            throw JSONSyntaxError(problem: "this string is not UTF-8", offset: start)
        }
        return text
    }

    private mutating func escape() throws(JSONSyntaxError) -> Unicode.Scalar {
        guard let byte = self.next else { throw self.error("the text ends within a string") }
        self.position += 1
        switch byte {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{08}"
        case UInt8(ascii: "f"): return "\u{0C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try self.unicodeEscape()
        default: throw self.error("this escape is not JSON")
        }
    }

    private mutating func unicodeEscape() throws(JSONSyntaxError) -> Unicode.Scalar {
        let unit = try self.hexadecimalUnit()
        if let scalar = Unicode.Scalar(unit) { return scalar }
        guard unit < 0xDC00, self.next == UInt8(ascii: "\\") else { throw self.error("half a surrogate pair") }
        self.position += 1
        guard self.next == UInt8(ascii: "u") else { throw self.error("half a surrogate pair") }
        self.position += 1
        let low = try self.hexadecimalUnit()
        guard (0xDC00...0xDFFF).contains(low) else { throw self.error("half a surrogate pair") }
        let code = 0x10000 + (UInt32(unit) - 0xD800) << 10 + (UInt32(low) - 0xDC00)
        guard let scalar = Unicode.Scalar(code) else { throw self.error("half a surrogate pair") }
        return scalar
    }

    private mutating func hexadecimalUnit() throws(JSONSyntaxError) -> UInt16 {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard let byte = self.next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
                throw self.error("four hexadecimal digits are expected")
            }
            unit = unit << 4 | UInt16(digit)
            self.position += 1
        }
        return unit
    }
}
