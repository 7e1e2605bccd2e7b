// SPDX-License-Identifier: Apache-2.0 OR MIT

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// SQLite's log file, which every commit appends to and syncs.
enum WriteAheadLog {
    /// Fills an open log with zeros up to this size, once, so that commits overwrite blocks that the file has.
    ///
    /// Syncing a file that grows also waits for the journal of the file system, and with it for what others write:
    /// that halved the number of commits. SQLite reads a log only up to the first frame that does not fit, so zeros
    /// behind its end mean nothing to it, and it overwrites the file from the start after each write-back. When there
    /// is no room, the log is left as it was.
    static func preallocate(database path: String, bytes: Int) {
        let descriptor = open(path + "-wal", O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let size = Int(lseek(descriptor, 0, SEEK_END))
        let zeros = [UInt8](repeating: 0, count: 1 << 20)
        var end = size
        while end < bytes {
            let count = pwrite(descriptor, zeros, min(zeros.count, bytes - end), off_t(end))
            guard count > 0 else {
                ftruncate(descriptor, off_t(size))
                return
            }
            end += count
        }
        fsync(descriptor)
    }
}
