// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine

/// Draws from a seed, so that the same seed tells the same story.
package struct Draw: Sendable {
    private var random: SplitMix64

    /// Draws from this seed.
    package init(seed: UInt64) {
        self.random = SplitMix64(seed: seed)
    }

    /// 64 bits.
    package mutating func bits() -> UInt64 { self.random.next() }

    /// A number from 0 up to, but not including, `bound`.
    package mutating func number(below bound: Int) -> Int {
        Int(self.random.next() % UInt64(max(1, bound)))
    }

    /// Whether something happens that happens in so many of a hundred cases.
    package mutating func chance(_ percent: Int) -> Bool { self.number(below: 100) < percent }

    /// One of these.
    package mutating func pick<Element>(_ elements: [Element]) -> Element? {
        elements.isEmpty ? nil : elements[self.number(below: elements.count)]
    }

    /// A span between two numbers of milliseconds.
    package mutating func span(_ range: ClosedRange<Int>) -> Span {
        Span(milliseconds: Int64(range.lowerBound + self.number(below: range.count)))
    }
}
