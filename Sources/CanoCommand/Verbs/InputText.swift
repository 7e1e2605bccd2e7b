// SPDX-License-Identifier: Apache-2.0 OR MIT

import ArgumentParser
import FoundationEssentials

/// Text from a file or from standard input.
enum InputText {
    /// Reads a UTF-8 file; `-` is standard input.
    static func read(_ path: String) throws -> String {
        guard let bytes = FileManager.default.contents(atPath: path == "-" ? "/dev/stdin" : path) else {
            throw ValidationError("cannot read '\(path)': check that it exists and may be read")
        }
        guard let text = String(validating: Array(bytes), as: UTF8.self) else {
            throw ValidationError("'\(path)' is not UTF-8: save it in UTF-8")
        }
        return text
    }
}
