// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import GRDB
import GRDBSQLite

/// A prepared statement that is bound and read value by value, in the order of its parameters and columns.
///
/// It goes below GRDB's own values because this is the hot path: no boxes, no strings made of numbers. An error of
/// `add` is remembered and thrown by the step that follows. Each use binds every parameter anew: what the one before
/// bound may lie in memory that is gone.
final class SQLStatement {
    private let statement: Statement
    private let handle: OpaquePointer
    private var status = SQLITE_OK
    private var parameter: Int32 = 1
    private var column: Int32 = 0
    /// What is bound lies here until the next use, so that SQLite need not copy each text to the heap; made when there
    /// is a text to bind.
    private var room: UnsafeMutableRawPointer?
    private var used = 0
    private static let roomBytes = 4096

    /// The statement of this text, prepared once per connection.
    init(_ sql: String, in database: Database) throws {
        self.statement = try database.cachedStatement(sql: sql)
        self.handle = self.statement.sqliteStatement
    }

    deinit { self.room?.deallocate() }

    /// SQLite copies what is bound when there is no room for it here.
    private static var copied: sqlite3_destructor_type { unsafeBitCast(-1, to: sqlite3_destructor_type.self) }

    /// Binds bytes that live as long as this call, by an address that is never missing: that would bind NULL.
    private func bind(
        _ bytes: UnsafeRawBufferPointer,
        _ body: (UnsafeRawPointer, Int, sqlite3_destructor_type?) -> Int32
    ) {
        let room = self.room ?? UnsafeMutableRawPointer.allocate(byteCount: Self.roomBytes, alignment: 1)
        self.room = room
        let end = room + self.used
        guard let base = bytes.baseAddress, bytes.count <= Self.roomBytes - self.used else {
            return self.bound(body(bytes.baseAddress ?? UnsafeRawPointer(end), bytes.count, Self.copied))
        }
        end.copyMemory(from: base, byteCount: bytes.count)
        self.used += bytes.count
        self.bound(body(end, bytes.count, nil))
    }

    private func bound(_ status: Int32) {
        if self.status == SQLITE_OK { self.status = status }
        self.parameter += 1
    }

    private var problem: SQLiteProblem {
        SQLiteProblem(code: self.status, connection: sqlite3_db_handle(self.handle))
    }
}

// MARK: - Binding

// Inlined, so that a chain of calls does not count references from link to link.
extension SQLStatement {
    @discardableResult @inline(__always)
    func add(_ value: Int64?) -> Self {
        self.bound(
            value.map { sqlite3_bind_int64(self.handle, self.parameter, $0) }
                ?? sqlite3_bind_null(self.handle, self.parameter)
        )
        return self
    }

    @discardableResult @inline(__always)
    func add(_ value: Int) -> Self { self.add(Int64(value)) }

    @discardableResult @inline(__always)
    func add(_ value: Instant?) -> Self { self.add(value?.microseconds) }

    @discardableResult @inline(__always)
    func add(_ text: String?) -> Self {
        guard var text else { return self.add(nil as Int64?) }
        text.withUTF8 { bytes in
            self.bind(UnsafeRawBufferPointer(bytes)) { address, count, lifetime in
                let text = address.assumingMemoryBound(to: CChar.self)
                return sqlite3_bind_text(self.handle, self.parameter, text, Int32(clamping: count), lifetime)
            }
        }
        return self
    }

    @discardableResult @inline(__always)
    func add(_ bytes: [UInt8]?) -> Self {
        guard let bytes else { return self.add(nil as Int64?) }
        bytes.withUnsafeBytes { bytes in
            self.bind(bytes) { address, count, lifetime in
                sqlite3_bind_blob64(self.handle, self.parameter, address, UInt64(count), lifetime)
            }
        }
        return self
    }

    @discardableResult @inline(__always)
    func add(_ run: RunID) -> Self {
        withUnsafeBytes(of: (run.high.bigEndian, run.low.bigEndian)) { bytes in
            self.bind(bytes) { address, count, lifetime in
                sqlite3_bind_blob64(self.handle, self.parameter, address, UInt64(count), lifetime)
            }
        }
        return self
    }
}

// MARK: - Running

extension SQLStatement {
    /// Runs the statement to its end and says how many rows it changed.
    @discardableResult
    func run() throws -> Int {
        while try self.step() {}
        return Int(sqlite3_changes(sqlite3_db_handle(self.handle)))
    }

    /// Runs an insert; SQLite would name the columns of what is there already, and people want its name.
    func insert(_ name: @autoclosure () -> String) throws {
        do {
            try self.run()
        } catch let problem as SQLiteProblem where problem.code == SQLITE_CONSTRAINT {
            throw SQLiteProblem("\(name()) is there already")
        }
    }

    /// Runs the statement up to its first row, reads that and forgets the others; `nil` when there is none.
    func first<Value>(_ read: (SQLStatement) throws -> Value) throws -> Value? {
        defer { self.reset() }
        return try self.step() ? try read(self) : nil
    }

    /// Reads all rows, until `read` answers `nil`.
    func all<Value>(_ read: (SQLStatement) throws -> Value?) throws -> [Value] {
        defer { self.reset() }
        var values: [Value] = []
        while try self.step() {
            guard let value = try read(self) else { break }
            values.append(value)
        }
        return values
    }

    /// Goes to the next row; `false` behind the last one, where the statement is ready for its next use.
    private func step() throws -> Bool {
        assert(self.parameter - 1 == sqlite3_bind_parameter_count(self.handle), "a parameter is not bound")
        if self.status == SQLITE_OK { self.status = sqlite3_step(self.handle) }
        switch self.status {
        case SQLITE_ROW:
            self.status = SQLITE_OK
            self.column = 0
            return true
        case SQLITE_DONE:
            self.reset()
            return false
        default:
            let problem = self.problem
            self.reset()
            throw problem
        }
    }

    private func reset() {
        sqlite3_reset(self.handle)
        self.status = SQLITE_OK
        self.parameter = 1
        self.used = 0
    }
}

// MARK: - Reading

extension SQLStatement {
    func int64() -> Int64? {
        defer { self.column += 1 }
        guard sqlite3_column_type(self.handle, self.column) != SQLITE_NULL else { return nil }
        return sqlite3_column_int64(self.handle, self.column)
    }

    /// A number that is always there.
    func number() throws -> Int64 {
        guard let value = self.int64() else { throw self.unreadable }
        return value
    }

    func int() throws -> Int { Int(try self.number()) }

    func instant() -> Instant? { self.int64().map(Instant.init(microseconds:)) }

    /// An instant that is always there.
    func time() throws -> Instant { Instant(microseconds: try self.number()) }

    func string() -> String? {
        defer { self.column += 1 }
        guard let text = sqlite3_column_text(self.handle, self.column) else { return nil }
        let count = Int(sqlite3_column_bytes(self.handle, self.column))
        return String(decoding: UnsafeBufferPointer(start: text, count: count), as: UTF8.self)
    }

    /// A text that is always there.
    func text() throws -> String {
        guard let text = self.string() else { throw self.unreadable }
        return text
    }

    func bytes() -> [UInt8] {
        defer { self.column += 1 }
        guard let blob = sqlite3_column_blob(self.handle, self.column) else { return [] }
        return Array(UnsafeRawBufferPointer(start: blob, count: Int(sqlite3_column_bytes(self.handle, self.column))))
    }

    func runID() throws -> RunID {
        let bytes = self.bytes()
        guard bytes.count == 16 else { throw self.unreadable }
        let halves = bytes.withUnsafeBytes { bytes in
            (bytes.loadUnaligned(as: UInt64.self), bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        }
        return RunID(high: UInt64(bigEndian: halves.0), low: UInt64(bigEndian: halves.1))
    }

    /// What is thrown when a column has what no version of this program wrote.
    var unreadable: SQLiteProblem {
        let name = sqlite3_column_name(self.handle, max(0, self.column - 1)).map { String(cString: $0) } ?? "?"
        return SQLiteProblem(corrupt: "column '\(name)' is unreadable")
    }
}
