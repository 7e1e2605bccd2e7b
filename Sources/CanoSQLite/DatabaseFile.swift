// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import GRDB

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The file on disk: made with its folders, locked, opened, brought to the newest schema.
///
/// These calls block.
enum DatabaseFile {
    /// How large a page of a new file is: with SQLite's own 4,096, payloads of a few kilobytes are half as fast.
    private static let pageBytes = 8192
    /// How large the log grows before it is written back.
    static let logBytes = 16 << 20

    /// Makes the folders and the file when they are missing, both for this user only, and locks the file.
    static func prepare(path: String) throws(CanoError) -> FileLock {
        if let slash = path.lastIndex(of: "/") { try Self.makeFolder(String(path[..<slash])) }
        let lock = try FileLock(database: Self.resolved(path))
        // Made here, because SQLite would make it readable for all.
        guard let file = fopen(path, "ae") else {
            throw CanoError(
                .storeUnavailable,
                "\(path): \(String(cString: strerror(errno))); check that this user can write it"
            )
        }
        fseek(file, 0, SEEK_END)
        if ftell(file) == 0 { fchmod(fileno(file), 0o600) }
        fclose(file)
        return lock
    }

    /// Opens the file, with a writer and some readers, and makes its log this large at once.
    static func open(path: String, preallocating logBytes: Int) throws -> DatabasePool {
        var configuration = Configuration()
        configuration.label = "cano.sqlite"
        configuration.foreignKeysEnabled = false
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA page_size = \(Self.pageBytes)")
        }
        let pool = try DatabasePool(path: path, configuration: configuration)
        try pool.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA synchronous = FULL")
            try database.execute(sql: "PRAGMA cache_size = -16000")
            try database.execute(sql: "PRAGMA wal_autocheckpoint = \(Self.logBytes / Self.pageBytes)")
            try Schema.migrate(database, path: path)
            try ShardTable(database).endAll()
            WriteAheadLog.preallocate(database: path, bytes: logBytes)
        }
        return pool
    }

    /// The path with its links followed, so that two names of one file have one lock; the file may be missing yet.
    private static func resolved(_ path: String) -> String {
        if let real = Self.real(path) { return real }
        guard let slash = path.lastIndex(of: "/"), let folder = Self.real(String(path[...slash])) else { return path }
        return folder + path[slash...]
    }

    private static func real(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private static func makeFolder(_ path: String) throws(CanoError) {
        guard !path.isEmpty, mkdir(path, 0o700) != 0 else { return }
        if errno == ENOENT, let slash = path.lastIndex(of: "/") {
            try Self.makeFolder(String(path[..<slash]))
            if mkdir(path, 0o700) == 0 { return }
        }
        // Whatever else keeps us from the folder shows when the lock file is made in it.
        guard errno == EEXIST else {
            throw CanoError(
                .storeUnavailable,
                "\(path): \(String(cString: strerror(errno))); check that this user can make the folder"
            )
        }
    }
}
