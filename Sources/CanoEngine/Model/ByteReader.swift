// SPDX-License-Identifier: Apache-2.0 OR MIT

/// Reads what `ByteWriter` wrote.
///
/// Every method answers `nil` when the bytes are anything else.
struct ByteReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    var isAtEnd: Bool { self.position == self.bytes.count }

    mutating func byte() -> UInt8? {
        guard self.position < self.bytes.count else { return nil }
        defer { self.position += 1 }
        return self.bytes[self.position]
    }

    mutating func compact() -> Int64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), through: 63, by: 7) {
            guard let byte = self.byte() else { return nil }
            if shift == 63, byte > 1 { return nil }
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1) }
        }
        return nil
    }

    /// So many bytes.
    mutating func bytes(count: UInt64) -> [UInt8]? {
        guard count <= UInt64(self.bytes.count - self.position) else { return nil }
        let end = self.position + Int(count)
        defer { self.position = end }
        return Array(self.bytes[self.position..<end])
    }

    /// So many bytes as UTF-8 text.
    mutating func text(count: Int64) -> String? {
        guard count >= 0, count <= self.bytes.count - self.position else { return nil }
        let end = self.position + Int(count)
        defer { self.position = end }
        return String(validating: self.bytes[self.position..<end], as: UTF8.self)
    }
}
