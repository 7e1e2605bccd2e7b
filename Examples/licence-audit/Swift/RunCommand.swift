// SPDX-License-Identifier: Apache-2.0 OR MIT

import ArgumentParser
import Cano
import CanoSQLite

/// `LicenceAudit run`: engine, store and work in this process.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Audits in this process; kill it and run it again, and it goes on.",
        discussion: "Prints lines of packages, tab, licence, like shell-count.sh."
    )

    @Option(help: "Where the packages' folders are.")
    var folder = "/usr/share/doc"

    @Option(help: "The SQLite file that remembers the run.")
    var store = "licence-audit.sqlite"

    @Option(help: "A name for the run; the same name finds the same run.")
    var key = "audit"

    @concurrent
    func run() async throws {
        let store = try await SQLiteStore.open(path: self.store)
        let (folder, key) = (self.folder, self.key)
        let counts = try await EmbeddedRunner.run(AuditLicences(), on: store) { runner in
            let run = try await runner.start(AuditLicences.self, context: .init(folder: folder), key: key)
            return try await run.outcome().context.counts
        }
        await store.close()
        for (licence, packages) in counts.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) {
            print("\(packages)\t\(licence)")
        }
    }
}
