// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The file beside a database that says which process has it open.
///
/// The lock belongs to the open file and ends with the process, however that ends. The file stays where it is:
/// removing it would let two processes lock two different files of the same name.
final class FileLock: Sendable {
    private let descriptor: Int32

    /// Locks the database at `path`, or throws `storeBusy` naming who has it.
    init(database path: String) throws(CanoError) {
        let file = path + ".lock"
        // Programs that the process starts must not inherit the lock and keep it.
        let descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            let reason = String(cString: strerror(errno))
            throw CanoError(
                .storeUnavailable,
                "\(file): \(reason); check that the folder exists and can be written by this user"
            )
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let failure = errno
            let holder = Self.holder(descriptor)
            close(descriptor)
            guard failure == EWOULDBLOCK else {
                throw CanoError(.storeUnavailable, "\(file): \(String(cString: strerror(failure))); check the disk")
            }
            throw CanoError(
                .storeBusy,
                "\(path) is in use by \(holder); stop that process, or choose another path for this one"
            )
        }
        self.descriptor = descriptor
        let text = Array("\(getpid())\n".utf8)
        ftruncate(descriptor, 0)
        // The number is for people only; the lock holds without it.
        _ = pwrite(descriptor, text, text.count, 0)
    }

    deinit {
        close(self.descriptor)
    }

    private static func holder(_ descriptor: Int32) -> String {
        var buffer = [UInt8](repeating: 0, count: 32)
        let count = pread(descriptor, &buffer, buffer.count, 0)
        let digits = buffer.prefix(max(0, count)).prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard let pid = Int32(String(decoding: digits, as: UTF8.self)) else { return "another process" }
        return pid == getpid() ? "this process (pid \(pid)) already" : "the process with pid \(pid)"
    }
}
