// SPDX-License-Identifier: Apache-2.0 OR MIT

import CLibPQ
import CanoEngine

/// Where a database is, with what it takes to get in.
///
/// Its description never has the password, so that it can go into errors and logs.
struct PostgresAddress: Sendable, CustomStringConvertible {
    /// What libpq connects with.
    let uri: String
    /// Host, port, database and user, for people.
    let description: String

    /// An address from a libpq URI such as `postgres://user:password@host:5432/database`.
    ///
    /// What the URI leaves open comes from libpq's environment (`PGHOST`, `PGPASSWORD`, …) and its defaults.
    /// Throws `invalidInput` when it is not such a URI.
    init(_ uri: String) throws(CanoError) {
        guard uri.hasPrefix("postgres://") || uri.hasPrefix("postgresql://") else {
            throw CanoError(
                .invalidInput,
                "a PostgreSQL store is named by a URI such as postgres://user@host:5432/database, and this one does "
                    + "not begin with postgres://"
            )
        }
        var problem: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(uri, &problem) else {
            let reason = problem.map { String(cString: $0) } ?? "out of memory"
            PQfreemem(problem)
            throw CanoError(
                .invalidInput,
                "the PostgreSQL URI is malformed (\(Self.problem(reason))); write it as "
                    + "postgres://user:password@host:5432/database and percent-encode special characters"
            )
        }
        var values = Self.values(of: options)
        PQconninfoFree(options)
        if let defaults = PQconndefaults() {
            values.merge(Self.values(of: defaults)) { given, _ in given }
            PQconninfoFree(defaults)
        }
        let host = values["host"] ?? values["hostaddr"] ?? "local socket"
        let user = values["user"] ?? "the current user"
        self.uri = uri
        self.description = "\(host):\(values["port"] ?? "5432")/\(values["dbname"] ?? user) as \(user)"
    }

    /// The first line of what libpq says.
    static func firstLine(of message: String) -> String {
        message.split(whereSeparator: \.isNewline).first.map(String.init) ?? "no reason given"
    }

    /// Why a URI cannot be read; cut before anything is quoted, for that may be part of the password.
    private static func problem(_ message: String) -> String {
        self.firstLine(of: message).split(separator: "\"").first.map(String.init) ?? "no reason given"
    }

    private static func values(of options: UnsafeMutablePointer<PQconninfoOption>) -> [String: String] {
        var values: [String: String] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val, value.pointee != 0 {
                values[String(cString: keyword)] = String(cString: value)
            }
            option += 1
        }
        return values
    }
}
