// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import Foundation
import Testing

@Suite("Telemetry catalogue")
struct TelemetryCatalogueTests {
    private static let root = URL(filePath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    @Test("docs/telemetry.md has exactly the metrics of the code, with type, unit and labels")
    func metrics() throws {
        let page = try String(contentsOf: Self.root.appending(path: "docs/telemetry.md"), encoding: .utf8)
        let rows = page.split(separator: "\n").filter { $0.hasPrefix("| `cano_") }
            .map { $0.split(separator: "|").map { $0.trimmingCharacters(in: CharacterSet(charactersIn: " `")) } }
        let code = MetricName.allCases.map {
            [$0.rawValue, $0.kind.rawValue, $0.unit, $0.labels.joined(separator: ", ")]
        }
        #expect(rows == code, "write the table of metrics in docs/telemetry.md in the order of MetricName")
    }

    @Test("docs/telemetry.md has exactly the log keys of the code")
    func logKeys() throws {
        let page = try String(contentsOf: Self.root.appending(path: "docs/telemetry.md"), encoding: .utf8)
        let table = page.components(separatedBy: "| log key |").dropFirst().first ?? ""
        var known: Set<String> = []
        for row in table.split(separator: "\n") where row.hasPrefix("| `") {
            let keys = row.split(separator: "|").first.map(String.init) ?? ""
            known.formUnion(keys.matches(of: /`([A-Za-z.]+)`/).map { String($0.1) })
        }
        var used: [String: String] = [:]
        for (file, text) in try Self.sources() { for key in Self.keys(in: text) { used[key] = file } }
        for (key, file) in used where !known.contains(key) {
            Issue.record(
                "\(file) logs the key '\(key)', which the table of log keys in docs/telemetry.md does not have"
            )
        }
        for key in known where used[key] == nil {
            Issue.record("docs/telemetry.md has the log key '\(key)', which nothing logs: remove it")
        }
        #expect(known.count > 20)
    }

    @Test("the search for log keys finds every way to write them")
    func search() {
        let text = """
            logger.info("a", metadata: ["one": "\\(values[0])", "two.b": "x"])
            logger[metadataKey: "three"] = "y"
            metadata["four"] = "z"
            self.log(.info, "b", event, ["cano.five": "\\(five)"])
            let labels = ["six": 1]
            """
        #expect(Self.keys(in: text) == ["one", "two.b", "three", "four", "cano.five"])
    }

    private static func sources() throws -> [(String, String)] {
        let folder = Self.root.appending(path: "Sources")
        let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
        return try (files?.compactMap { $0 as? URL } ?? []).filter { $0.pathExtension == "swift" }
            .map { ($0.lastPathComponent, try String(contentsOf: $0, encoding: .utf8)) }
    }

    private static func keys(in text: String) -> Set<String> {
        var keys = Set(text.matches(of: /metadataKey: "([A-Za-z.]+)"\]/).map { String($0.1) })
        keys.formUnion(text.matches(of: /metadata\["([A-Za-z.]+)"\]/).map { String($0.1) })
        keys.formUnion(text.matches(of: #/"(cano\.[a-z]+)":/#).map { String($0.1) })
        for match in text.matches(of: /(metadata: |Logger\.Metadata = )(?=\[)/) {
            keys.formUnion(
                Self.bracket(text[match.range.upperBound...]).matches(of: /"([A-Za-z.]+)":/).map { "\($0.1)" }
            )
        }
        return keys
    }

    /// The text from a bracket to the one that closes it.
    private static func bracket(_ text: Substring) -> Substring {
        var depth = 0
        for index in text.indices {
            if text[index] == "[" { depth += 1 }
            if text[index] == "]" { depth -= 1 }
            if depth == 0 { return text[...index] }
        }
        return text
    }
}
