// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import Mustache

/// Renders the templates of a step; nothing is ever escaped for HTML.
enum Template {
    /// How `{{values}}` are put into the text; `{{{values}}}` are always put in as they are.
    enum Escaping: String {
        /// As they are.
        case none = "TEXT"
        /// As parts of a URL: everything but letters, digits and `-._~` is percent-encoded.
        case url = "CANO_URL"
    }

    /// The text with its tags replaced.
    static func render(
        _ text: String,
        _ input: WorkInput,
        escaping: Escaping = .none
    ) throws(WorkFailure) -> String {
        guard text.utf8.contains(UInt8(ascii: "{")), text.contains("{{") else { return text }
        // The template library goes down the stack for each section in a section.
        guard Self.sections(in: text) <= Self.maximumSections else {
            let problem = "a template may have \(Self.maximumSections) sections and keeps its delimiters; use a program"
            throw WorkFailure("template", problem)
        }
        _ = Self.registration
        let template: MustacheTemplate
        do {
            template = try MustacheTemplate(string: "{{% CONTENT_TYPE:\(escaping.rawValue)}}" + text)
        } catch {
            throw WorkFailure("template", "'\(WorkFailure.cut(text))' is not a valid template: \(error)")
        }
        let scope = TemplateScope(input, isStrict: Self.sections(in: text) == 0)
        let rendered = template.render(scope)
        if let failure = scope.failure { throw failure }
        if let missing = scope.missing {
            throw WorkFailure(
                "template",
                "'\(WorkFailure.cut(text))' asks for '\(missing)', which is not there; give the context a default"
            )
        }
        return rendered
    }

    /// A JSON value whose strings are templates.
    ///
    /// A string that is one tag and nothing else becomes the value itself: numbers and lists stay what they are.
    static func render(_ value: JSONValue, _ input: WorkInput) throws(WorkFailure) -> JSONValue {
        switch value {
        case .null, .bool, .number: return value
        case .string(let text):
            if let path = Self.onlyTag(of: text) { return try Self.value(at: path, input) }
            return .string(try Self.render(text, input))
        case .array(let elements):
            var rendered: [JSONValue] = []
            for element in elements { rendered.append(try Self.render(element, input)) }
            return .array(rendered)
        case .object(let members):
            var rendered = members
            for (name, member) in members { rendered[name] = try Self.render(member, input) }
            return .object(rendered)
        }
    }

    private static let registration: Void = MustacheContentTypes.register(URLEscaping(), named: Escaping.url.rawValue)

    private static let maximumSections = 100

    /// How many tags of the text are more than a variable; a changed delimiter counts as too many, because it hides
    /// others.
    private static func sections(in text: String) -> Int {
        var count = 0
        var rest = text[...]
        while let tag = rest.firstRange(of: "{{") {
            rest = rest[tag.upperBound...]
            guard let sign = rest.first(where: { !$0.isWhitespace }) else { break }
            if sign == "=" { return Self.maximumSections + 1 }
            if "#^$<>".contains(sign) { count += 1 }
        }
        return count
    }

    private static func onlyTag(of text: String) -> String? {
        guard text.hasPrefix("{{"), text.hasSuffix("}}"), text.count > 4 else { return nil }
        let inner = text.dropFirst(2).dropLast(2).drop { $0 == " " }
        let path = String(inner.reversed().drop { $0 == " " }.reversed())
        let isPath = path.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."): true
            default: false
            }
        }
        return isPath && !path.isEmpty ? path : nil
    }

    private static func value(at path: String, _ input: WorkInput) throws(WorkFailure) -> JSONValue {
        let names = path.split(separator: ".").map(String.init)
        var value = try names.first.flatMap { name throws(WorkFailure) in try input.value(named: name) }
        for name in names.dropFirst() {
            switch value {
            case .object(let members): value = members[name]
            case .array(let elements):
                value = Int(name).flatMap { elements.indices.contains($0) ? elements[$0] : nil }
            case .null, .bool, .number, .string, nil: value = nil
            }
        }
        guard let value else {
            throw WorkFailure(
                "template",
                "'{{\(path)}}' asks for '\(path)', which is not there; give the context a default"
            )
        }
        return value
    }
}

/// Percent-encodes a value as one part of a URL (RFC 3986, unreserved characters stay).
private struct URLEscaping: MustacheContentType {
    func escapeText(_ text: String) -> String {
        var escaped: [UInt8] = []
        let digits = Array("0123456789ABCDEF".utf8)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                escaped.append(byte)
            default:
                escaped.append(contentsOf: [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 0x0F)]])
            }
        }
        return String(decoding: escaped, as: UTF8.self)
    }
}
