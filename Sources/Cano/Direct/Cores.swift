// SPDX-License-Identifier: Apache-2.0 OR MIT

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The processors of this machine.
@usableFromInline
enum Cores {
    /// How many there are, at least one.
    @usableFromInline static let count = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
}
