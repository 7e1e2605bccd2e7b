// SPDX-License-Identifier: Apache-2.0 OR MIT

/// A value on the heap that its copies share until one of them changes it.
///
/// It is as cheap to copy and to move as one reference, however large the value is.
struct Shared<Value: Sendable>: @unchecked Sendable {
    // @unchecked: the value is changed only by the one copy that has the storage to itself.
    private final class Storage: ManagedBuffer<Value, Void> {}

    private var storage: Storage

    init(_ value: Value) { self.storage = Self.store(value) }

    private static func store(_ value: Value) -> Storage {
        unsafeDowncast(Storage.create(minimumCapacity: 0) { _ in value }, to: Storage.self)
    }

    /// It stays the same for as long as the storage lives, and is used no longer than that.
    private var address: UnsafeMutablePointer<Value> { self.storage.withUnsafeMutablePointerToHeader { $0 } }

    /// The value; changed in place when no copy shares it.
    ///
    /// It is reached by its address: a class's own variable would be copied out to be looked at, and checked at run
    /// time for who else is at it.
    var value: Value {
        _read {
            defer { withExtendedLifetime(self.storage) {} }
            yield self.address.pointee
        }
        _modify {
            if !isKnownUniquelyReferenced(&self.storage) { self.storage = Self.store(self.address.pointee) }
            defer { withExtendedLifetime(self.storage) {} }
            yield &self.address.pointee
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
