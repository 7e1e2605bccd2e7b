// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Yams

/// Reads the text of a document, with bounds on everything a hostile one could blow up.
enum DocumentReader {
    /// The longest document, in bytes.
    static let maximumBytes = 1024 * 1024
    /// How deep values may be nested.
    static let maximumDepth = 64
    /// How many values a document may have, those behind aliases counted every time.
    static let maximumValues = 100_000
    /// How many aliases (`*name`) a document may have.
    static let maximumAliases = 16

    /// The value of a document.
    ///
    /// - Throws: `invalidDefinition` with line and column for a text that is not one YAML document, `limitExceeded` for
    ///   one over a bound.
    static func read(_ text: String) throws(CanoError) -> Node {
        guard text.utf8.count <= Self.maximumBytes else {
            throw CanoError(
                .limitExceeded,
                "the document has \(text.utf8.count) bytes, more than the limit of \(Self.maximumBytes)"
            )
        }
        // Counted before the parser sees them: what an alias stands for is compared and hashed as often as it appears.
        guard Self.aliases(in: text) <= Self.maximumAliases else {
            throw CanoError(
                .limitExceeded,
                "the document has more than \(Self.maximumAliases) YAML aliases (*name); write the values out"
            )
        }
        let root: Node?
        do {
            root = try Parser(yaml: JSONEscapes.forYAML(text), encoding: .utf8).singleRoot()
        } catch {
            throw Self.problem(error, in: text)
        }
        guard let root else { throw CanoError(.invalidDefinition, "line 1, column 1: the document is empty") }
        var count = 0
        try Self.measure(root, depth: 1, count: &count)
        return root
    }

    private static func measure(_ node: Node, depth: Int, count: inout Int) throws(CanoError) {
        count += 1
        guard count <= Self.maximumValues else {
            throw CanoError(.limitExceeded, "the document has more than \(Self.maximumValues) values; divide it")
        }
        guard depth <= Self.maximumDepth else {
            throw DocumentNode.problem("values are nested deeper than \(Self.maximumDepth) levels", at: node.mark)
        }
        switch node {
        case .scalar, .alias: break
        case .sequence(let elements):
            for element in elements { try Self.measure(element, depth: depth + 1, count: &count) }
        case .mapping(let pairs):
            for (key, value) in pairs {
                try Self.measure(key, depth: depth + 1, count: &count)
                try Self.measure(value, depth: depth + 1, count: &count)
            }
        }
    }

    /// Never fewer than there are; texts that only look like aliases count too.
    private static func aliases(in text: String) -> Int {
        var count = 0
        var before = UInt8(ascii: " ")
        var isStar = false
        for byte in text.utf8 {
            if isStar, Self.isNameByte(byte) { count += 1 }
            isStar = byte == UInt8(ascii: "*") && Self.mayPrecedeAlias(before)
            before = byte
        }
        return count
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: byte >= 0x80
        }
    }

    private static func mayPrecedeAlias(_ byte: UInt8) -> Bool {
        byte <= 0x20 || byte >= 0x80 || "[{,:?-".utf8.contains(byte)
    }

    private static func problem(_ error: any Error, in text: String) -> CanoError {
        guard let error = error as? YamlError else { return CanoError(.invalidDefinition, "\(error)", cause: error) }
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let around = context.map { " (\($0.text) that begins in line \($0.mark.line))" } ?? ""
            return DocumentNode.problem("not valid YAML: \(problem)\(around)", at: mark)
        case .reader(let problem, let offset, _, _):
            let before = text.prefix(offset ?? 0)
            let line = before.reduce(into: 1) { if $1.isNewline { $0 += 1 } }
            let column = before.reversed().prefix { !$0.isNewline }.count + 1
            return DocumentNode.problem("not valid YAML: \(problem)", line: line, column: column)
        case .duplicatedKeysInMapping(let duplicates, let context):
            let keys = duplicates.sorted().map { "'\($0)'" }.joined(separator: ", ")
            return DocumentNode.problem("the key \(keys) is there twice in one mapping", at: context.mark)
        case .no, .memory, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
            return CanoError(.invalidDefinition, "not valid YAML: \(error)", cause: error)
        }
    }
}
