// SPDX-License-Identifier: Apache-2.0 OR MIT

import CLibPQ
import CanoEngine

/// The parameters of one statement, in PostgreSQL's binary format, in one buffer.
///
/// Binary means no escaping, no parsing, and a type that the server checks. Instants count from 2000 there.
struct Parameters {
    /// The object identifiers of the types that we send; they are the same in every database.
    enum Kind: UInt32 {
        case bool = 16
        case bytes = 17
        case int64 = 20
        case int16 = 21
        case int32 = 23
        case text = 25
        case instant = 1184
        case uuid = 2950

        /// The type of arrays of this type.
        var array: UInt32 {
            switch self {
            case .bool: 1000
            case .bytes: 1001
            case .int64: 1016
            case .int16: 1005
            case .int32: 1007
            case .text: 1009
            case .instant: 1185
            case .uuid: 2951
            }
        }
    }

    private(set) var types: [Oid] = []
    private var spans: [Range<Int>?] = []
    var bytes: [UInt8] = []

    init() {
        self.bytes.reserveCapacity(4096)
    }

    mutating func add(_ value: Bool) { self.scalar(.bool, value) { $0.append($1 ? 1 : 0) } }
    mutating func add(_ value: Int64?) { self.scalar(.int64, value) { $0.appendBigEndian($1) } }
    mutating func add(_ value: Int32?) { self.scalar(.int32, value) { $0.appendBigEndian($1) } }
    mutating func add(_ value: Int16?) { self.scalar(.int16, value) { $0.appendBigEndian($1) } }
    mutating func add(_ value: Instant?) { self.scalar(.instant, value) { $0.appendBigEndian($1.sinceMillennium) } }
    mutating func add(_ value: String?) { self.scalar(.text, value) { $0.appendText($1) } }
    mutating func add(_ value: [UInt8]?) { self.scalar(.bytes, value) { $0.append(contentsOf: $1) } }
    mutating func add(_ value: RunID?) {
        self.scalar(.uuid, value) {
            $0.appendBigEndian($1.high)
            $0.appendBigEndian($1.low)
        }
    }

    private mutating func scalar<Value>(_ kind: Kind, _ value: Value?, _ append: (inout [UInt8], Value) -> Void) {
        self.types.append(kind.rawValue)
        guard let value else {
            self.spans.append(nil)
            return
        }
        let start = self.bytes.count
        append(&self.bytes, value)
        self.spans.append(start..<self.bytes.count)
    }

    /// Adds a parameter whose bytes `append` writes.
    mutating func add(type: UInt32, _ append: (inout [UInt8]) -> Void) {
        let start = self.bytes.count
        append(&self.bytes)
        self.types.append(type)
        self.spans.append(start..<self.bytes.count)
    }

    /// Lends the parameters to libpq in the form it wants them.
    func withPointers<Result>(
        _ body: (Int32, [Oid], [UnsafePointer<CChar>?], [Int32], [Int32]) -> Result
    ) -> Result {
        self.bytes.withUnsafeBytes { buffer in
            // An empty value still needs an address: null would mean NULL.
            let empty: UnsafePointer<CChar>? = UnsafePointer(bitPattern: 1)
            let base = buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
            let values = self.spans.map { span in span.flatMap { span in base.map { $0 + span.lowerBound } ?? empty } }
            let lengths = self.spans.map { Int32(clamping: $0?.count ?? 0) }
            return body(
                Int32(clamping: self.types.count),
                self.types,
                values,
                lengths,
                [Int32](repeating: 1, count: self.types.count)
            )
        }
    }
}

extension [UInt8] {
    mutating func appendBigEndian<Number: FixedWidthInteger>(_ number: Number) {
        Swift.withUnsafeBytes(of: number.bigEndian) { self.append(contentsOf: $0) }
    }

    /// Appends text; PostgreSQL cannot store U+0000, so the replacement character stands in for it.
    mutating func appendText(_ text: String) {
        let start = self.count
        self.append(contentsOf: text.utf8)
        guard self[start...].contains(0) else { return }
        let clean = self[start...].split(separator: 0, omittingEmptySubsequences: false)
            .joined(separator: [0xEF, 0xBF, 0xBD])
        self.replaceSubrange(start..., with: [UInt8](clean))
    }

    mutating func overwrite(at place: Int, with number: Int32) {
        Swift.withUnsafeBytes(of: number.bigEndian) { self.replaceSubrange(place..<place + 4, with: $0) }
    }
}

extension Instant {
    private static let millennium: Int64 = 946_684_800_000_000
    /// The last and the first instant that PostgreSQL can name; beyond them lie its two infinities.
    private static let last: Int64 = 9_223_371_331_199_999_999
    private static let first: Int64 = -211_813_488_000_000_000

    /// Microseconds since 2000, as PostgreSQL counts.
    var sinceMillennium: Int64 {
        let (difference, overflow) = self.microseconds.subtractingReportingOverflow(Self.millennium)
        if overflow || difference < Self.first { return .min }
        return difference > Self.last ? .max : difference
    }

    /// An instant from PostgreSQL's count.
    init(sinceMillennium: Int64) {
        let (sum, overflow) = sinceMillennium.addingReportingOverflow(Self.millennium)
        self.init(microseconds: sinceMillennium == .min ? .min : overflow ? .max : sum)
    }
}
