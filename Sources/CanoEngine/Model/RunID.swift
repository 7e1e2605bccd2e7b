// SPDX-License-Identifier: Apache-2.0 OR MIT

/// The identity of a run: a UUID version 7 (RFC 9562) made by Cano, with the run's shard in its last byte.
///
/// Ids made later sort later (to the millisecond), so tables can be partitioned by ranges of ids.
public struct RunID: Hashable, Comparable, Sendable {
    /// The first eight bytes, big-endian: time, version and twelve random bits.
    public let high: UInt64
    /// The last eight bytes, big-endian: variant, 54 random bits and the shard.
    public let low: UInt64

    /// An id from its two halves, as a store read them.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Feeds the hasher with the half that has most of the random bits: ids are looked up all the time.
    public func hash(into hasher: inout Hasher) { hasher.combine(self.low) }

    /// A new id.
    ///
    /// - Parameters:
    ///   - now: the database's time; only its milliseconds are kept.
    ///   - shard: the shard the run will live in, for ever.
    ///   - random: 66 of its bits go into the id.
    public init(at now: Instant, shard: ShardID, random: (UInt64, UInt64)) {
        let milliseconds = UInt64(max(0, now.microseconds / 1000)) & 0xFFFF_FFFF_FFFF
        self.high = milliseconds << 16 | 0x7000 | random.0 & 0x0FFF
        self.low = 0x8000_0000_0000_0000 | random.1 & 0x3FFF_FFFF_FFFF_FF00 | UInt64(shard.rawValue)
    }

    /// The smallest id that can be made at an instant.
    package static func first(at instant: Instant) -> RunID {
        RunID(high: UInt64(max(0, instant.microseconds / 1000)) << 16, low: 0)
    }

    /// The shard this run belongs to.
    public var shard: ShardID { ShardID(rawValue: UInt8(truncatingIfNeeded: self.low)) }

    /// When the id was made, to the millisecond.
    public var createdAt: Instant { Instant(microseconds: Int64(self.high >> 16) * 1000) }

    /// Whether the left one comes first.
    public static func < (left: RunID, right: RunID) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}

extension RunID: LosslessStringConvertible {
    /// The usual lower-case text with hyphens, 36 characters.
    public var description: String {
        String(unsafeUninitializedCapacity: 36) { text in
            var place = 0
            for index in 0..<16 {
                if index == 4 || index == 6 || index == 8 || index == 10 {
                    text.initializeElement(at: place, to: UInt8(ascii: "-"))
                    place += 1
                }
                let half = index < 8 ? self.high : self.low
                let byte = UInt8(truncatingIfNeeded: half >> UInt64((7 - index % 8) * 8))
                text.initializeElement(at: place, to: Self.digit(byte >> 4))
                text.initializeElement(at: place + 1, to: Self.digit(byte & 0x0F))
                place += 2
            }
            return place
        }
    }

    /// Reads the text form; `nil` for anything but 32 hexadecimal digits with the four hyphens in their places.
    public init?(_ description: String) {
        var halves: (UInt64, UInt64) = (0, 0)
        var digits = 0
        for (index, byte) in description.utf8.enumerated() {
            if index == 8 || index == 13 || index == 18 || index == 23 {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            guard digits < 32, let value = Self.value(of: byte) else { return nil }
            if digits < 16 { halves.0 = halves.0 << 4 | value } else { halves.1 = halves.1 << 4 | value }
            digits += 1
        }
        guard digits == 32 else { return nil }
        self.init(high: halves.0, low: halves.1)
    }

    private static func digit(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
    }

    private static func value(of digit: UInt8) -> UInt64? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(digit - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(digit - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt64(digit - UInt8(ascii: "A") + 10)
        default: nil
        }
    }
}

extension RunID: Codable {
    /// Reads the coded form.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let id = RunID(text) else {
            let message = "'\(text)' is not a run id (a UUID)"
            throw DecodingError.dataCorruptedError(in: container, debugDescription: message)
        }
        self = id
    }

    /// Writes the coded form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(self.description)
    }
}
