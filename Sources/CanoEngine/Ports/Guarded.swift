// SPDX-License-Identifier: Apache-2.0 OR MIT

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A value behind a lock that the thread sanitizer understands.
///
/// Hold it for a few lines and never across an `await`. (`Synchronization.Mutex` gives false reports under TSan.)
@usableFromInline
package final class Guarded<Value>: @unchecked Sendable {
    // @unchecked: `value` is touched only between lock and unlock.
    // It, and the class, are visible to inlined code: a lock is taken several times for every transition of every run,
    // and a call that is not inlined moves its values through witness tables.
    // It lies behind a pointer because Swift checks each access to a class's property for another one under way. Here
    // there can be none: who comes back while he holds the lock waits for himself.
    @usableFromInline package let value: UnsafeMutablePointer<Value>
    /// Begins with the mutex.
    @usableFromInline let memory: UnsafeMutableRawPointer

    /// A value behind a lock.
    ///
    /// - Parameters:
    ///   - value: the value.
    ///   - spins: whether who finds it locked waits a moment on the processor before the kernel is asked; that pays
    ///     where every core asks for the same lock all the time.
    @inlinable
    package init(_ value: sending Value, spins: Bool = false) {
        let room = Self.allocate(MemoryLayout<Value>.size, alignedTo: MemoryLayout<Value>.alignment, spins: spins)
        self.memory = room.memory
        self.value = room.value.bindMemory(to: Value.self, capacity: 1)
        self.value.initialize(to: value)
    }

    /// Memory that begins with an initialised mutex, and the place in it that has room for a value.
    @usableFromInline
    static func allocate(
        _ bytes: Int,
        alignedTo valueAlignment: Int,
        spins: Bool
    ) -> (memory: UnsafeMutableRawPointer, value: UnsafeMutableRawPointer) {
        let alignment = max(MemoryLayout<pthread_mutex_t>.alignment, valueAlignment)
        let offset = (MemoryLayout<pthread_mutex_t>.size + alignment - 1) / alignment * alignment
        let memory = UnsafeMutableRawPointer.allocate(byteCount: offset + bytes, alignment: alignment)
        let mutex = memory.bindMemory(to: pthread_mutex_t.self, capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        let status = Self.open(mutex, spins: spins)
        invariant(status == 0, "pthread_mutex_init failed with \(status)")
        return (memory, memory + offset)
    }

    private var mutex: UnsafeMutablePointer<pthread_mutex_t> {
        self.memory.assumingMemoryBound(to: pthread_mutex_t.self)
    }

    private static func open(_ mutex: UnsafeMutablePointer<pthread_mutex_t>, spins: Bool) -> Int32 {
        #if canImport(Glibc)
            guard spins else { return pthread_mutex_init(mutex, nil) }
            var kind = pthread_mutexattr_t()
            pthread_mutexattr_init(&kind)
            defer { pthread_mutexattr_destroy(&kind) }
            pthread_mutexattr_settype(&kind, CInt(PTHREAD_MUTEX_ADAPTIVE_NP))
            return pthread_mutex_init(mutex, &kind)
        #else
            return pthread_mutex_init(mutex, nil)
        #endif
    }

    deinit {
        pthread_mutex_destroy(self.mutex)
        self.value.deinitialize(count: 1)
        self.memory.deallocate()
    }

    /// Runs `body` while nobody else touches the value.
    @inlinable
    package func withLock<Result, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        self.lock()
        defer { self.unlock() }
        return try body(&self.value.pointee)
    }

    @usableFromInline
    package func lock() { pthread_mutex_lock(self.mutex) }

    @usableFromInline
    package func unlock() { pthread_mutex_unlock(self.mutex) }
}
