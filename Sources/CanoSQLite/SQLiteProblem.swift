// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import GRDB
import GRDBSQLite

/// What SQLite or the data in it refused, before it is known for which file.
struct SQLiteProblem: Error {
    /// SQLite's primary result code, or `nil` when the rows themselves cannot be right.
    var code: Int32?
    var message: String

    /// Rows that contradict what is stored.
    init(_ message: String) {
        self.message = message
    }

    /// Stored rows that no version of this program wrote.
    init(corrupt message: String) {
        self.code = SQLITE_CORRUPT
        self.message = message
    }

    /// The last error of a connection.
    init(code: Int32, connection: OpaquePointer?) {
        self.code = code & 0xFF
        self.message = connection.map { String(cString: sqlite3_errmsg($0)) } ?? "the connection is closed"
    }

    /// Any error that a call of GRDB throws.
    init(_ error: any Error) {
        switch error {
        case let problem as SQLiteProblem:
            self.code = problem.code
            self.message = problem.message
        case let error as DatabaseError:
            self.code = error.resultCode.rawValue
            self.message = error.message ?? "\(error.resultCode)"
        default:
            self.code = nil
            self.message = "\(error)"
        }
    }

    /// Whether the rows cannot be true, so that the same ones would be refused again.
    var isContradiction: Bool { self.code == nil || self.code == SQLITE_CONSTRAINT }

    /// The error that the caller of the store gets: it names the file and the remedy.
    func error(path: String) -> CanoError {
        let (code, remedy) = self.verdict
        return CanoError(code, "\(path): \(self.message); \(remedy)")
    }

    private var verdict: (CanoError.Code, String) {
        switch self.code {
        case SQLITE_FULL: (.storeUnavailable, "free some space on the disk")
        case SQLITE_IOERR: (.storeUnavailable, "check the disk")
        case SQLITE_BUSY, SQLITE_LOCKED: (.storeUnavailable, "close the other program that has the file open")
        case SQLITE_CANTOPEN, SQLITE_PERM, SQLITE_READONLY, SQLITE_AUTH:
            (.storeUnavailable, "check that the file and its folder can be written by this user")
        case SQLITE_NOMEM, SQLITE_TOOBIG, SQLITE_INTERRUPT, SQLITE_MISUSE: (.storeUnavailable, "try again")
        case SQLITE_NOTADB: (.storeCorrupt, "choose another path, or restore the file from a backup")
        case nil: (.storeCorrupt, "nothing of the commit was written")
        default: (.storeCorrupt, "check the file with 'PRAGMA integrity_check', or restore it from a backup")
        }
    }
}
