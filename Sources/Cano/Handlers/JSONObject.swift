// SPDX-License-Identifier: Apache-2.0 OR MIT

import OrderedCollections

/// The members of a JSON object, in the order in which they were written.
package struct JSONObject: Hashable, Sendable {
    private var members: OrderedDictionary<String, JSONValue> = [:]

    package init() {}

    /// How many members it has.
    package var count: Int { self.members.count }

    /// The member of this name; a new one goes to the end, `nil` takes it away.
    package subscript(name: String) -> JSONValue? {
        get { self.members[name] }
        set { self.members[name] = newValue }
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        for (name, value) in elements { self.members[name] = value }
    }
}

extension JSONObject: Sequence {
    package typealias Element = (key: String, value: JSONValue)

    package func makeIterator() -> AnyIterator<Element> {
        var iterator = self.members.makeIterator()
        return AnyIterator { iterator.next() }
    }
}
