// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import Yams

extension DocumentNode {
    /// The value as JSON, by the core schema of YAML 1.2: `no` and `on` are texts, quoted values always are.
    func json() throws(CanoError) -> JSONValue {
        switch self.node {
        case .scalar(let scalar):
            guard scalar.style == .plain || scalar.style == .any else { return .string(scalar.string) }
            return try self.plainJSON(scalar.string)
        case .sequence(let sequence):
            var elements: [JSONValue] = []
            for element in sequence { elements.append(try self.inner(element, self.name).json()) }
            return .array(elements)
        case .mapping(let mapping):
            var members = JSONObject()
            for (key, value) in mapping {
                guard case .scalar(let scalar) = key else {
                    throw Self.problem("a key in \(self.name) must be a text", at: key.mark)
                }
                members[scalar.string] = try self.inner(value, self.name).json()
            }
            return .object(members)
        case .alias:
            throw self.problem("\(self.name) has an alias where a value is needed")
        }
    }

    private func plainJSON(_ text: String) throws(CanoError) -> JSONValue {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .bool(true)
        case "false", "False", "FALSE": return .bool(false)
        default: break
        }
        guard let first = text.utf8.first, "+-.0123456789".utf8.contains(first) else { return .string(text) }
        if let value = Self.number(text) { return value }
        let unsigned = text.drop { $0 == "-" || $0 == "+" }.lowercased()
        guard unsigned != ".inf", unsigned != ".nan" else {
            throw self.problem("\(self.name) has '\(text)', which JSON has no number for; put it in quotes")
        }
        return .string(text)
    }

    /// A number in one of the forms of the core schema; its digits are kept where JSON has the same form.
    private static func number(_ text: String) -> JSONValue? {
        let digits = text.hasPrefix("+") ? String(text.dropFirst()) : text
        if digits.hasPrefix("0x"), let value = Int64(digits.dropFirst(2), radix: 16) {
            return .number(JSONNumber(value))
        }
        if digits.hasPrefix("0o"), let value = Int64(digits.dropFirst(2), radix: 8) {
            return .number(JSONNumber(value))
        }
        let isDecimal = digits.utf8.allSatisfy { "-+.eE0123456789".utf8.contains($0) }
        guard isDecimal, digits.utf8.contains(where: { (0x30...0x39).contains($0) }) else { return nil }
        if let value = try? JSONValue.parse(digits) { return value }
        if let value = Int64(digits) { return .number(JSONNumber(value)) }
        return Double(digits).flatMap { JSONNumber($0) }.map { .number($0) }
    }
}
