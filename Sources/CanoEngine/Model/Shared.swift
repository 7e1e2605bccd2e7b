// SPDX-License-Identifier: Apache-2.0 OR MIT

/// A value on the heap that its copies share until one of them changes it.
///
/// It is as cheap to copy and to move as one reference, however large the value is.
struct Shared<Value: Sendable>: Sendable {
    private final class Storage: @unchecked Sendable {
        // @unchecked: `value` is changed only by the one copy that has the storage to itself.
        var value: Value

        init(_ value: Value) { self.value = value }
    }

    private var storage: Storage

    init(_ value: Value) { self.storage = Storage(value) }

    /// The value; changed in place when no copy shares it.
    var value: Value {
        _read { yield self.storage.value }
        _modify {
            if !isKnownUniquelyReferenced(&self.storage) { self.storage = Storage(self.storage.value) }
            yield &self.storage.value
        }
    }
}

extension Shared: Equatable where Value: Equatable {
    static func == (left: Self, right: Self) -> Bool {
        left.storage === right.storage || left.value == right.value
    }
}

extension Shared: Hashable where Value: Hashable {
    func hash(into hasher: inout Hasher) { self.value.hash(into: &hasher) }
}
