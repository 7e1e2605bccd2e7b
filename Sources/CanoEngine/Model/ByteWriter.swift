// SPDX-License-Identifier: Apache-2.0 OR MIT

/// Builds the small binary forms that are hashed or stored.
struct ByteWriter {
    private(set) var bytes: [UInt8] = []

    mutating func append(byte: UInt8) {
        self.bytes.append(byte)
    }

    mutating func append(flag: Bool) {
        self.bytes.append(flag ? 1 : 0)
    }

    /// Eight bytes, big-endian.
    mutating func append(fixed value: UInt64) {
        for shift in stride(from: 56, through: 0, by: -8) {
            self.bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    /// As few bytes as possible, seven bits each, the lowest first; small numbers of either sign are short.
    mutating func append(compact value: Int64) {
        var rest = UInt64(bitPattern: value << 1 ^ value >> 63)
        while rest >= 0x80 {
            self.bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        self.bytes.append(UInt8(rest))
    }

    /// The length (eight bytes, big-endian), then the bytes.
    mutating func append(counted more: some Collection<UInt8>) {
        self.append(fixed: UInt64(more.count))
        self.bytes.append(contentsOf: more)
    }

    /// The text's UTF-8 with its length before it.
    mutating func append(_ text: String) {
        self.append(counted: text.utf8)
    }

    /// A byte that tells whether there is a value, then the value.
    mutating func append<Value>(optional value: Value?, _ write: (inout Self, Value) -> Void) {
        self.append(flag: value != nil)
        if let value { write(&self, value) }
    }
}
