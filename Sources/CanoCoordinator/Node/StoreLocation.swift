// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine
import CanoPostgres
import CanoSQLite
import FoundationEssentials

/// Which store a coordinator uses.
package enum StoreLocation: Hashable, Sendable {
    /// A SQLite file.
    case sqlite(path: String)
    /// A PostgreSQL database, as a libpq URI.
    case postgres(uri: String)

    /// Reads what `--store` and `CANO_STORE` say.
    package init(_ text: String) throws(CanoError) {
        if text.hasPrefix("postgres://") || text.hasPrefix("postgresql://") {
            self = .postgres(uri: text)
        } else if text.hasPrefix("sqlite:"), text.count > "sqlite:".count {
            self = .sqlite(path: String(text.dropFirst("sqlite:".count)))
        } else {
            let message = "store '\(text)' is not understood; give sqlite:PATH or postgres://HOST/DATABASE"
            throw CanoError(.invalidInput, message)
        }
    }

    /// The file that is used when nobody says otherwise, in the user's data directory (XDG Base Directory
    /// Specification).
    package static func standard(environment: [String: String]) -> String {
        if let data = environment["XDG_DATA_HOME"], data.hasPrefix("/") { return "sqlite:\(data)/cano/cano.sqlite" }
        return "sqlite:\(environment["HOME"] ?? "/var/lib")/.local/share/cano/cano.sqlite"
    }

    /// How many commits may be under way at once: SQLite has one writer.
    var commitLanes: Int {
        switch self {
        case .sqlite: 1
        case .postgres: 2
        }
    }

    /// Opens the store.
    package func open() async throws(CanoError) -> any RunStore {
        switch self {
        case .sqlite(let path): try await SQLiteStore.open(path: path)
        case .postgres(let uri): try await PostgresStore.open(uri)
        }
    }
}
