// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import GRDB

/// The tables of the store and how older files get them.
enum Schema {
    /// One script per version, in order.
    ///
    /// A script that was released never changes; a new version appends one.
    static let migrations = [Self.version1, Self.version2, Self.version3]

    /// What `PRAGMA application_id` says in our files: "Cano" in ASCII.
    static let application: Int64 = 0x4361_6E6F

    /// Brings an opened file to the newest version, or throws when it is not ours or newer than we are.
    static func migrate(_ database: Database, path: String) throws {
        let version = try Self.number(database, "PRAGMA user_version")
        let application = try Self.number(database, "PRAGMA application_id")
        let objects = try Self.number(database, "SELECT count(*) FROM sqlite_master")
        guard application == Self.application || version == 0 && application == 0 && objects == 0 else {
            throw CanoError(
                .storeCorrupt,
                "\(path) is a database of another program; choose another path"
            )
        }
        guard version <= Int64(Self.migrations.count) else {
            throw CanoError(
                .schemaTooNew,
                "\(path) has schema version \(version), and this program knows versions up to "
                    + "\(Self.migrations.count); use the program that wrote it, or a newer one"
            )
        }
        for (index, script) in Self.migrations.enumerated().dropFirst(Int(version)) {
            try database.inTransaction(.immediate) {
                try database.execute(sql: script)
                if index + 1 == Self.migrations.count { try database.execute(sql: Self.views) }
                try database.execute(sql: "PRAGMA application_id = \(Self.application)")
                try database.execute(sql: "PRAGMA user_version = \(index + 1)")
                return .commit
            }
        }
    }

    private static func number(_ database: Database, _ sql: String) throws -> Int64 {
        try SQLStatement(sql, in: database).first { try $0.number() } ?? 0
    }
}
