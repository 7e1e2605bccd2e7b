// SPDX-License-Identifier: Apache-2.0 OR MIT

/// The stored form of many payloads in one: the items of a split.
///
/// Each payload is its content type (one byte), its length (four bytes, big-endian) and its bytes.
public enum PayloadList {
    /// How many bytes ``encode(_:)`` makes of these payloads.
    public static func encodedCount(_ payloads: [Payload]) -> Int {
        payloads.reduce(0) { $0 + 5 + $1.count }
    }

    /// Writes the payloads one behind the other.
    public static func encode(_ payloads: [Payload]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.encodedCount(payloads))
        for payload in payloads {
            bytes.append(payload.type.rawValue)
            let count = UInt32(payload.count)
            for shift in [24, 16, 8, 0] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: count >> shift)) }
            bytes.append(contentsOf: payload.bytes)
        }
        return bytes
    }

    /// Reads what ``encode(_:)`` wrote; `nil` when the bytes are anything else.
    public static func decode(_ bytes: [UInt8]) -> [Payload]? {
        var payloads: [Payload] = []
        var position = 0
        while position < bytes.count {
            guard bytes.count - position >= 5 else { return nil }
            guard let type = Payload.ContentType(rawValue: bytes[position]) else { return nil }
            let count = bytes[position + 1..<position + 5].reduce(0) { $0 << 8 | Int($1) }
            position += 5
            guard bytes.count - position >= count else { return nil }
            payloads.append(Payload(bytes: Array(bytes[position..<position + count]), type: type))
            position += count
        }
        return payloads
    }
}
