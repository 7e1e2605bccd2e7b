// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import GRDB

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The definitions, as JSON that people can read.
struct DefinitionTable {
    private let database: Database

    init(_ database: Database) {
        self.database = database
    }

    func save(_ definition: Definition, at now: Instant) throws {
        let kept = try SQLStatement("SELECT digest FROM definition WHERE name = ? AND version = ?", in: self.database)
        if let digest = try kept.add(definition.name).add(definition.version).first({ try $0.text() }) {
            return try definition.checkSame(as: digest)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let json = String(decoding: try encoder.encode(definition), as: UTF8.self)
        let insert = try SQLStatement(
            "INSERT INTO definition (name, version, digest, json, saved_at) VALUES (?, ?, ?, ?, ?)",
            in: self.database
        )
        try insert.add(definition.name).add(definition.version).add(definition.digest).add(json).add(now).run()
    }

    func all() throws -> [Definition] {
        let texts = try SQLStatement("SELECT json FROM definition ORDER BY name, version", in: self.database)
        let decoder = JSONDecoder()
        return try texts.all { columns in
            let text = try columns.text()
            do {
                return try decoder.decode(Definition.self, from: Data(text.utf8))
            } catch {
                throw columns.unreadable
            }
        }
    }
}
