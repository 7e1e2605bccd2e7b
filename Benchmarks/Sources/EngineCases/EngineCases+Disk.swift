// SPDX-License-Identifier: Apache-2.0 OR MIT

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension EngineCases {
    /// What a durable commit costs at least, whoever makes it: as many bytes as SQLite logs for one record, written
    /// into a file that has its size already, and synced.
    func disk() async throws {
        let (bytes, size) = (20_480, 16 << 20)
        let path = "\(self.folder)/disk"
        let file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0o600)
        guard file >= 0 else { fatalError("cannot write \(path)") }
        defer {
            close(file)
            unlink(path)
        }
        let zeros = [UInt8](repeating: 0, count: size)
        guard pwrite(file, zeros, size, 0) == size, fsync(file) == 0 else { fatalError("no room for \(path)") }
        try await self.median("sync", "disk", "us") {
            let took = await seconds {
                for number in 0..<500 {
                    pwrite(file, zeros, bytes, off_t(number * bytes % (size - bytes)))
                    fdatasync(file)
                }
            }
            return took * 1e6 / 500
        }
    }
}
