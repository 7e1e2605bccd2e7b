// SPDX-License-Identifier: Apache-2.0 OR MIT

/// A small generator of repeatable random numbers.
///
/// The algorithm is Steele, Lea and Flood's SplitMix64 ("Fast Splittable Pseudorandom Number Generators", 2014). It is
/// for jitter, ids and tests, not for secrets.
public struct SplitMix64: RandomNumberGenerator, Hashable, Sendable {
    private var state: UInt64

    /// A generator that gives the same numbers for the same seed.
    public init(seed: UInt64) {
        self.state = seed
    }

    /// The next 64 bits.
    public mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
