// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// Parameters that are one column of many rows.
///
/// The rows come in groups (one for each shard of a commit). A column that is nil in every row is sent as an empty
/// array: `unnest` pads it with NULL, and neither side spends anything on it.
extension Parameters {
    mutating func int64s<Group, Row>(
        _ groups: [Group],
        _ rows: (Group) -> [Row],
        _ value: (Group, Row) -> Int64?
    ) {
        self.array(.int64, groups, rows) { Self.number(value($1, $2), &$0) }
    }

    mutating func int32s<Group, Row>(
        _ groups: [Group],
        _ rows: (Group) -> [Row],
        _ value: (Group, Row) -> Int?
    ) {
        self.array(.int32, groups, rows) { Self.number(value($1, $2).map(Int32.init(clamping:)), &$0) }
    }

    mutating func int16s<Group, Row>(
        _ groups: [Group],
        _ rows: (Group) -> [Row],
        _ value: (Group, Row) -> Int16?
    ) {
        self.array(.int16, groups, rows) { Self.number(value($1, $2), &$0) }
    }

    mutating func instants<Group, Row>(
        _ groups: [Group],
        _ rows: (Group) -> [Row],
        _ value: (Group, Row) -> Instant?
    ) {
        self.array(.instant, groups, rows) { Self.number(value($1, $2)?.sinceMillennium, &$0) }
    }

    mutating func uuids<Group, Row>(_ groups: [Group], _ rows: (Group) -> [Row], _ value: (Group, Row) -> RunID?) {
        self.array(.uuid, groups, rows) { bytes, group, row in
            guard let run = value(group, row) else { return false }
            bytes.appendBigEndian(Int32(16))
            bytes.appendBigEndian(run.high)
            bytes.appendBigEndian(run.low)
            return true
        }
    }

    mutating func texts<Group, Row>(_ groups: [Group], _ rows: (Group) -> [Row], _ value: (Group, Row) -> String?) {
        self.array(.text, groups, rows) { bytes, group, row in
            guard let text = value(group, row) else { return false }
            let place = bytes.count
            bytes.appendBigEndian(Int32(0))
            bytes.appendText(text)
            bytes.overwrite(at: place, with: Int32(clamping: bytes.count - place - 4))
            return true
        }
    }

    mutating func byteArrays<Group, Row>(
        _ groups: [Group],
        _ rows: (Group) -> [Row],
        _ value: (Group, Row) -> [UInt8]?
    ) {
        self.array(.bytes, groups, rows) { bytes, group, row in
            guard let value = value(group, row) else { return false }
            bytes.appendBigEndian(Int32(clamping: value.count))
            bytes.append(contentsOf: value)
            return true
        }
    }

    private static func number<Number: FixedWidthInteger>(_ number: Number?, _ bytes: inout [UInt8]) -> Bool {
        guard let number else { return false }
        bytes.appendBigEndian(Int32(Number.bitWidth / 8))
        bytes.appendBigEndian(number)
        return true
    }

    /// Adds an array in PostgreSQL's binary form: dimensions, a flag for NULLs, the type, the length, the elements.
    ///
    /// `append` writes an element with its length before it, or says that there is none.
    private mutating func array<Group, Row>(
        _ kind: Kind,
        _ groups: [Group],
        _ rows: (Group) -> [Row],
        _ append: (inout [UInt8], Group, Row) -> Bool
    ) {
        self.add(type: kind.array) { bytes in
            let start = bytes.count
            for header in [1, 0, Int32(bitPattern: kind.rawValue), 0, 1] { bytes.appendBigEndian(header) }
            var count = 0
            var missing = 0
            for group in groups {
                let rows = rows(group)
                for index in rows.indices where !append(&bytes, group, rows[index]) {
                    bytes.appendBigEndian(Int32(-1))
                    missing += 1
                }
                count += rows.count
            }
            if missing == count {
                bytes.removeSubrange((start + 12)...)
                bytes.overwrite(at: start, with: 0)
            } else {
                bytes.overwrite(at: start + 4, with: missing > 0 ? 1 : 0)
                bytes.overwrite(at: start + 12, with: Int32(clamping: count))
            }
        }
    }
}

/// Parameters that are lists of single values.
extension Parameters {
    mutating func add(_ values: [Int64]) { self.int64s([values], { $0 }, { $1 }) }
    mutating func add(_ values: [Int16]) { self.int16s([values], { $0 }, { $1 }) }
    mutating func add(_ values: [RunID]) { self.uuids([values], { $0 }, { $1 }) }
    mutating func add(_ shards: [ShardID]) { self.int16s([shards], { $0 }, { Int16($1.rawValue) }) }
}
