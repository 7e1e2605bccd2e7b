// SPDX-License-Identifier: Apache-2.0 OR MIT

internal import CanoEngine

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Tells threads apart, cheaply: each has a number, from 1, that it keeps.
@usableFromInline
enum ThreadNumber {
    private static let last = Guarded(0)
    /// `nil` where the system has no keys left.
    private static let key: pthread_key_t? = {
        var key = pthread_key_t()
        return pthread_key_create(&key, nil) == 0 ? key : nil
    }()

    /// The number of the thread that asks; 0 for all where they cannot be told apart.
    @usableFromInline static var current: Int {
        guard let key = self.key else { return 0 }
        if let number = pthread_getspecific(key) { return Int(bitPattern: number) }
        let number = self.last.withLock { last in
            last += 1
            return last
        }
        pthread_setspecific(key, UnsafeRawPointer(bitPattern: number))
        return number
    }
}
