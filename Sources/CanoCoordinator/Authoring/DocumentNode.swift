// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Yams

/// A value of a document, and where it stands.
struct DocumentNode {
    let node: Node
    /// What it is, as messages name it: `'retry' of state 'list'`.
    let name: String
    /// The bounds of what it may ask for.
    let limits: Limits

    /// A value inside of this one.
    func inner(_ node: Node, _ name: String) -> DocumentNode {
        DocumentNode(node: node, name: name, limits: self.limits)
    }

    /// An error at this place.
    func problem(_ text: String) -> CanoError {
        Self.problem(text, at: self.node.mark)
    }

    static func problem(_ text: String, at mark: Mark?) -> CanoError {
        guard let mark else { return CanoError(.invalidDefinition, text) }
        return Self.problem(text, line: mark.line, column: mark.column)
    }

    static func problem(_ text: String, line: Int, column: Int) -> CanoError {
        CanoError(.invalidDefinition, "line \(line), column \(column): \(text)")
    }

    /// What kind of value it is, as messages name it.
    var kind: String {
        switch self.node {
        case .scalar(let scalar): scalar.string.isEmpty && scalar.style == .plain ? "nothing" : "'\(scalar.string)'"
        case .sequence: "a list"
        case .mapping: "a mapping"
        case .alias: "an alias"
        }
    }

    var isScalar: Bool {
        if case .scalar = self.node { true } else { false }
    }

    var isMapping: Bool {
        if case .mapping = self.node { true } else { false }
    }

    /// The text of a plain or quoted value; empty only in quotes.
    func text() throws(CanoError) -> String {
        guard case .scalar(let scalar) = self.node, !scalar.string.isEmpty || scalar.style != .plain else {
            throw self.problem("\(self.name) must be a text, not \(self.kind)")
        }
        return scalar.string
    }

    func nonEmptyText() throws(CanoError) -> String {
        let text = try self.text()
        guard !text.isEmpty else { throw self.problem("\(self.name) must not be empty") }
        return text
    }

    /// The text of an unquoted value, as numbers and words are; `nil` for anything else.
    var plainText: String? {
        guard case .scalar(let scalar) = self.node, scalar.style == .plain || scalar.style == .any else { return nil }
        return scalar.string
    }

    func integer(_ range: ClosedRange<Int>) throws(CanoError) -> Int {
        guard let value = self.plainText.flatMap({ Int($0) }), range.contains(value) else {
            let bounds = "from \(range.lowerBound) to \(range.upperBound)"
            throw self.problem("\(self.name) must be a whole number \(bounds), not \(self.kind)")
        }
        return value
    }

    func number(_ range: ClosedRange<Double>) throws(CanoError) -> Double {
        guard let value = self.plainText.flatMap({ Double($0) }), range.contains(value) else {
            let bounds = "from \(range.lowerBound) to \(range.upperBound)"
            throw self.problem("\(self.name) must be a number \(bounds), not \(self.kind)")
        }
        return value
    }

    func flag() throws(CanoError) -> Bool {
        switch self.plainText {
        case "true": return true
        case "false": return false
        default: throw self.problem("\(self.name) must be true or false, not \(self.kind)")
        }
    }

    /// A length of time: whole numbers with `ms`, `s`, `m`, `h` or `d`, such as `250ms` or `1h30m`.
    func span() throws(CanoError) -> Span {
        guard case .scalar(let scalar) = self.node, let span = Span(durationText: scalar.string) else {
            throw self.problem(
                "\(self.name) must be a length of time such as 250ms, 60s, 5m, 1h or 2d, not \(self.kind)"
            )
        }
        guard span <= self.limits.longestSpan else {
            let days = self.limits.longestSpan.milliseconds / 86_400_000
            throw self.problem("\(self.name) must be at most \(days)d, not \(self.kind)")
        }
        return span
    }

    /// One of several words.
    func word<Value>(of words: KeyValuePairs<String, Value>) throws(CanoError) -> Value {
        let text = self.plainText ?? self.node.scalar?.string
        guard let found = words.first(where: { $0.key == text }) else {
            let allowed = words.map(\.key).joined(separator: ", ")
            throw self.problem("\(self.name) must be one of \(allowed), not \(self.kind)")
        }
        return found.value
    }

    /// The elements of a list, which must not be empty.
    func list() throws(CanoError) -> [DocumentNode] {
        guard case .sequence(let sequence) = self.node, !sequence.isEmpty else {
            let kind = self.node.sequence == nil ? self.kind : "an empty one"
            throw self.problem("\(self.name) must be a list, not \(kind)")
        }
        return sequence.enumerated()
            .map { index, node in
                self.inner(node, "element \(index + 1) of \(self.name)")
            }
    }

    /// One text, or a list of texts.
    func textOrList() throws(CanoError) -> [DocumentNode] {
        if case .scalar = self.node { return [self] }
        return try self.list()
    }
}

extension Span {
    /// Reads `250ms`, `60s`, `5m`, `1h`, `2d` or several of them one behind the other; `nil` for anything else.
    init?(durationText text: String) {
        let units: [(name: String, milliseconds: Int64)] = [
            ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
        ]
        var rest = text[...]
        var total: Int64 = 0
        while !rest.isEmpty {
            let digits = rest.prefix { ("0"..."9").contains($0) }
            rest = rest[digits.endIndex...]
            let letters = rest.prefix { ("a"..."z").contains($0) }
            rest = rest[letters.endIndex...]
            guard let count = Int64(digits), let unit = units.first(where: { $0.name == letters }) else { return nil }
            let (part, isTooLong) = count.multipliedReportingOverflow(by: unit.milliseconds)
            let (sum, isTooMuch) = total.addingReportingOverflow(part)
            guard !isTooLong, !isTooMuch else { return nil }
            total = sum
        }
        guard !text.isEmpty else { return nil }
        self.init(milliseconds: total)
    }
}
