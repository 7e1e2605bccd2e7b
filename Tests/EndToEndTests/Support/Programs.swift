// SPDX-License-Identifier: Apache-2.0 OR MIT

import Foundation

/// Where the programs under test are: in `CANO_BIN_DIR`, or beside the test bundle.
enum Programs {
    static let coordinator = "cano-coordinator"
    static let worker = "cano-worker"
    static let command = "cano"

    static func path(of name: String) throws -> String {
        let folder = try ProcessInfo.processInfo.environment["CANO_BIN_DIR"] ?? Self.bundleFolder()
        let path = "\(folder)/\(name)"
        try require(access(path, X_OK) == 0, "\(path) is not there: build the package first, or set CANO_BIN_DIR")
        return path
    }

    private static func bundleFolder() throws -> String {
        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(fileURLWithPath: program).deletingLastPathComponent().path
    }
}
