// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Which programs a worker may run: `--allow-exec PATH…`.
///
/// A program is named like in a shell: with a slash it is a path, against the worker's working directory when it is
/// relative; without one it is looked up in `PATH`. All symbolic links are followed first, and it is the file at the
/// end that must be an allowed one or lie in an allowed directory, and that is run.
package struct ExecPolicy: Sendable {
    /// The allowed files and directories, links followed.
    private let allowed: [String]
    private let searchPath: [String]

    /// Follows the links of the allowed paths.
    ///
    /// - Parameters:
    ///   - paths: files and directories; relative ones against the working directory.
    ///   - searchPath: the value of `PATH`, where programs without a slash are looked up.
    /// - Throws: `invalidInput` for a path that does not exist.
    package init(allowing paths: [String], searchPath: String = Self.currentSearchPath) throws(CanoError) {
        var allowed: [String] = []
        for path in paths {
            guard let real = Self.realPath(path) else {
                throw CanoError(
                    .invalidInput,
                    "--allow-exec '\(path)': there is no such file or directory; name one that exists"
                )
            }
            allowed.append(real)
        }
        self.allowed = allowed
        self.searchPath = searchPath.split(separator: ":").map(String.init)
    }

    /// The value of `PATH` in this process.
    package static var currentSearchPath: String {
        getenv("PATH").map { String(cString: $0) } ?? "/usr/local/bin:/usr/bin:/bin"
    }

    /// The file that is run for a program's name.
    func resolve(_ program: String) throws(WorkFailure) -> String {
        guard !program.isEmpty else { throw WorkFailure("notFound", "the program's name is empty") }
        let found = program.contains("/") ? program : self.searched(program)
        guard let found, let real = Self.realPath(found) else {
            throw WorkFailure(
                "notFound",
                program.contains("/")
                    ? "there is no program '\(program)' on this worker; paths are relative to its working directory"
                    : "there is no program '\(program)' in the PATH of this worker"
            )
        }
        guard self.allowed.contains(where: { real == $0 || Self.isInside(real, $0) }) else {
            let link = real == program ? "" : " ('\(program)')"
            throw WorkFailure(
                "notAllowed",
                "this worker may not run '\(real)'\(link); start the worker with --allow-exec \(real)"
            )
        }
        guard Self.isProgram(real) else {
            throw WorkFailure("notStarted", "'\(real)' is not an executable file; use chmod +x or name another")
        }
        return real
    }

    private static func isInside(_ path: String, _ directory: String) -> Bool {
        path.hasPrefix(directory == "/" ? "/" : directory + "/")
    }

    private func searched(_ name: String) -> String? {
        self.searchPath.map { "\($0)/\(name)" }.first(where: Self.isProgram)
    }

    private static func isProgram(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
    }

    private static func realPath(_ path: String) -> String? {
        // A path with a NUL would be cut there and name another file.
        guard !path.utf8.contains(0), let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(validatingCString: resolved)
    }
}
