// SPDX-License-Identifier: Apache-2.0 OR MIT

import Testing

@testable import CanoEngine

@Suite("Shared values")
struct SharedTests {
    private struct Value: Hashable, Sendable {
        var number: Int
        var names: [String]
    }

    /// Counts how many there are.
    private final class Witness: Sendable {
        private let count: Guarded<Int>

        init(_ count: Guarded<Int>) {
            self.count = count
            count.withLock { $0 += 1 }
        }

        deinit { self.count.withLock { $0 -= 1 } }
    }

    @Test("a copy that is changed leaves the others as they are")
    func copies() {
        var first = Shared(Value(number: 1, names: ["a"]))
        let second = first
        first.value.names.append("b")
        first.value.number = 2
        var third = first
        third.value.names.removeAll()
        #expect(first.value == Value(number: 2, names: ["a", "b"]))
        #expect(second.value == Value(number: 1, names: ["a"]))
        #expect(third.value == Value(number: 2, names: []))
        #expect(first != second && second == Shared(Value(number: 1, names: ["a"])))
    }

    @Test("a value taken out outlives changes, and so do shared values in shared values")
    func nested() {
        var outer = Shared(Shared(Value(number: 1, names: ["a"])))
        let (inner, taken) = (outer.value, outer.value.value.names)
        outer.value.value.names.append("b")
        #expect(inner.value.names == ["a"] && taken == ["a"])
        #expect(outer.value.value.names == ["a", "b"])
    }

    @Test("what it holds is released with the last copy")
    func release() {
        let count = Guarded(0)
        do {
            var first = Shared(Witness(count))
            let second = first
            first.value = Witness(count)
            #expect(count.withLock { $0 } == 2)
            withExtendedLifetime((first, second)) {}
        }
        #expect(count.withLock { $0 } == 0)
    }
}
