// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import Mustache

/// What the names of a template stand for.
///
/// In a plain template a name without a value is an error: an argument that silently became empty would be a wrong
/// command. With sections in it, a missing name is "no", as Mustache has it.
final class TemplateScope: MustacheParent, MustacheCustomRenderable {
    private let input: WorkInput
    private let isStrict: Bool
    /// The first name without a value.
    private(set) var missing: String?
    /// Why a value could not be read.
    private(set) var failure: WorkFailure?

    init(_ input: WorkInput, isStrict: Bool) {
        self.input = input
        self.isStrict = isStrict
    }

    var isNull: Bool { false }

    var renderText: String {
        self.miss(".")
        return ""
    }

    func child(named name: String) -> Any? {
        do throws(WorkFailure) {
            guard let value = try self.input.value(named: name) else {
                self.miss(name)
                return nil
            }
            return self.wrap(value, path: name)
        } catch {
            self.failure = self.failure ?? error
            return nil
        }
    }

    fileprivate func miss(_ path: String) {
        if self.isStrict, self.missing == nil { self.missing = path }
    }

    fileprivate func wrap(_ value: JSONValue, path: String) -> Any {
        if !self.isStrict {
            // Sections ask for these two kinds by their Swift types.
            if case .bool(let flag) = value { return flag }
            if case .array(let elements) = value {
                return TemplateList(elements: elements.map { self.wrap($0, path: path) }, text: value.text)
            }
        }
        return TemplateNode(value: value, path: path, scope: self)
    }
}

/// One JSON value in a template: strings stand for themselves, `null` for nothing, lists and objects for their JSON.
private struct TemplateNode: MustacheParent, MustacheCustomRenderable {
    let value: JSONValue
    let path: String
    let scope: TemplateScope

    var isNull: Bool { self.value == .null }

    var renderText: String {
        switch self.value {
        case .null: ""
        case .string(let text): text
        case .bool, .number, .array, .object: self.value.text
        }
    }

    func child(named name: String) -> Any? {
        let path = "\(self.path).\(name)"
        let found: JSONValue? =
            switch self.value {
            case .object(let members): members[name]
            case .array(let elements): Int(name).flatMap { elements.indices.contains($0) ? elements[$0] : nil }
            case .null, .bool, .number, .string: nil
            }
        guard let found else {
            self.scope.miss(path)
            return nil
        }
        return self.scope.wrap(found, path: path)
    }
}

/// A list in a template with sections.
private struct TemplateList: MustacheSequence, MustacheCustomRenderable {
    let elements: [Any]
    let text: String

    var isNull: Bool { false }
    var renderText: String { self.text }
    func makeIterator() -> IndexingIterator<[Any]> { self.elements.makeIterator() }
}
