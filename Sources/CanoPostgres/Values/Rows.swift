// SPDX-License-Identifier: Apache-2.0 OR MIT

import CLibPQ
import CanoEngine

/// The rows of a result in binary format, valid while its statement is being read.
///
/// Every value is checked for its length; one that is not what was asked for throws `storeCorrupt` and never traps.
struct Rows {
    private let result: OpaquePointer
    /// How many there are.
    let count: Int

    init(_ result: OpaquePointer) {
        self.result = result
        self.count = Int(PQntuples(result))
    }

    /// Makes a value of each row.
    func map<Value>(_ transform: (Row) throws(CanoError) -> Value) throws(CanoError) -> [Value] {
        var values: [Value] = []
        values.reserveCapacity(self.count)
        for index in 0..<self.count { values.append(try transform(self[index])) }
        return values
    }

    /// Makes a value of each row that has one.
    func compactMap<Value>(_ transform: (Row) throws(CanoError) -> Value?) throws(CanoError) -> [Value] {
        var values: [Value] = []
        for index in 0..<self.count {
            if let value = try transform(self[index]) { values.append(value) }
        }
        return values
    }

    /// The only row; throws when there is none.
    func first() throws(CanoError) -> Row {
        guard self.count > 0 else { throw CanoError(.storeCorrupt, "PostgreSQL returned no row where one must be") }
        return self[0]
    }

    subscript(index: Int) -> Row { Row(result: self.result, index: Int32(clamping: index)) }
}

/// One row; columns count from 0.
struct Row {
    fileprivate let result: OpaquePointer
    fileprivate let index: Int32

    /// How many columns there are.
    var width: Int32 { PQnfields(self.result) }

    /// The bytes of a column; `nil` for NULL.
    func raw(_ column: Int32) -> UnsafeRawBufferPointer? {
        guard PQgetisnull(self.result, self.index, column) == 0 else { return nil }
        let length = Int(PQgetlength(self.result, self.index, column))
        return UnsafeRawBufferPointer(start: PQgetvalue(self.result, self.index, column), count: length)
    }

    func number<Number: FixedWidthInteger>(
        _ column: Int32,
        as type: Number.Type = Number.self
    ) throws(CanoError) -> Number? {
        guard let bytes = self.raw(column) else { return nil }
        guard let number = bytes.bigEndian(at: 0, as: type), bytes.count == Number.bitWidth / 8 else {
            throw self.corrupt(column)
        }
        return number
    }

    func int(_ column: Int32) throws(CanoError) -> Int? { try self.number(column, as: Int32.self).map(Int.init) }

    func instant(_ column: Int32) throws(CanoError) -> Instant? {
        try self.number(column, as: Int64.self).map(Instant.init(sinceMillennium:))
    }

    func run(_ column: Int32) throws(CanoError) -> RunID? {
        guard let bytes = self.raw(column) else { return nil }
        guard let run = RunID(bytes) else { throw self.corrupt(column) }
        return run
    }

    func text(_ column: Int32) -> String? { self.raw(column).map { String(decoding: $0, as: UTF8.self) } }

    func bytes(_ column: Int32) -> [UInt8]? { self.raw(column).map { [UInt8]($0) } }

    func bool(_ column: Int32) throws(CanoError) -> Bool { try self.number(column, as: UInt8.self) == 1 }

    /// The value of a column that is never NULL.
    func some<Value>(_ column: Int32, _ value: Value?) throws(CanoError) -> Value {
        guard let value else { throw self.corrupt(column) }
        return value
    }

    /// The elements of an array column; NULL counts as empty.
    func array<Value>(
        _ column: Int32,
        _ element: (UnsafeRawBufferPointer) -> Value?
    ) throws(CanoError) -> [Value] {
        guard let bytes = self.raw(column), let dimensions = bytes.bigEndian(at: 0, as: Int32.self), dimensions > 0
        else { return [] }
        var values: [Value] = []
        var place = 20
        while place < bytes.count {
            guard let length = bytes.bigEndian(at: place, as: Int32.self), length >= 0,
                place + 4 + Int(length) <= bytes.count,
                let value = element(UnsafeRawBufferPointer(rebasing: bytes[(place + 4)..<(place + 4 + Int(length))]))
            else { throw self.corrupt(column) }
            values.append(value)
            place += 4 + Int(length)
        }
        return values
    }

    func corrupt(_ column: Int32) -> CanoError {
        let name = PQfname(self.result, column).map { String(cString: $0) } ?? "\(column)"
        return CanoError(
            .storeCorrupt,
            "PostgreSQL returned something unreadable in column \(name); was the schema cano changed by hand?"
        )
    }
}

extension UnsafeRawBufferPointer {
    /// The number at an offset; `nil` when the bytes end before it.
    func bigEndian<Number: FixedWidthInteger>(at place: Int, as type: Number.Type) -> Number? {
        guard place >= 0, place + Number.bitWidth / 8 <= self.count else { return nil }
        return Number(bigEndian: self.loadUnaligned(fromByteOffset: place, as: Number.self))
    }
}

extension RunID {
    /// A run id from the sixteen bytes of a UUID.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == 16, let high = bytes.bigEndian(at: 0, as: UInt64.self),
            let low = bytes.bigEndian(at: 8, as: UInt64.self)
        else { return nil }
        self.init(high: high, low: low)
    }
}
