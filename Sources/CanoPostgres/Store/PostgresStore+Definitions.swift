// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine
import FoundationEssentials

extension PostgresStore {
    /// See ``RunStore/save(_:)``.
    public func save(_ definition: Definition) async throws(CanoError) {
        let digest = definition.digest
        let body = try Self.encode(definition)
        let insert = """
            INSERT INTO cano.definition (name, version, digest, body) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
            """
        try await self.ask(
            Statement(insert) { parameters in
                parameters.add(definition.name)
                parameters.add(Int32(clamping: definition.version))
                parameters.add(digest)
                parameters.add(body)
            }
        )
        // A statement of its own: it sees what a faster writer put there.
        let kept = try await self.ask(
            Statement("SELECT digest FROM cano.definition WHERE name = $1 AND version = $2") { parameters in
                parameters.add(definition.name)
                parameters.add(Int32(clamping: definition.version))
            } read: { (rows) throws(CanoError) in
                let row = try rows.first()
                return try row.some(0, row.text(0))
            }
        )
        guard kept == digest else {
            throw CanoError(
                .definitionChanged,
                "workflow \(definition.key) is stored with the digest \(kept) and this one has \(digest); give the "
                    + "changed definition a new version"
            )
        }
    }

    /// See ``RunStore/definitions()``.
    public func definitions() async throws(CanoError) -> [Definition] {
        try await self.ask(
            Statement("SELECT body FROM cano.definition ORDER BY name COLLATE \"C\", version") {
                (rows) throws(CanoError) in
                try rows.map { (row) throws(CanoError) in try Self.decode(try row.some(0, row.bytes(0))) }
            }
        )
    }

    private static func encode(_ definition: Definition) throws(CanoError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        do {
            return [UInt8](try encoder.encode(definition))
        } catch {
            throw CanoError(.invalidDefinition, "workflow \(definition.key) cannot be written as JSON", cause: error)
        }
    }

    private static func decode(_ body: [UInt8]) throws(CanoError) -> Definition {
        do {
            return try JSONDecoder().decode(Definition.self, from: Data(body))
        } catch {
            throw CanoError(
                .storeCorrupt,
                "a stored definition cannot be read; was it written by a newer version of Cano?",
                cause: error
            )
        }
    }
}
