// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import FoundationEssentials

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Puts the copyright files of the folder into the context, in the order of the bytes of their paths.
struct ListFiles: ContextTask {
    func run(_ context: inout AuditLicences.Context, _ task: TaskContext) async throws {
        let folder = context.folder
        context.files = try FileManager.default.contentsOfDirectory(atPath: folder)
            .filter { !$0.hasPrefix(".") }
            .map { "\(folder)/\($0)/copyright" }
            .filter(Self.isReadableFile)
            .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// Whether there is a regular file behind all links that may be read.
    private static func isReadableFile(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && access(path, R_OK) == 0
    }
}
