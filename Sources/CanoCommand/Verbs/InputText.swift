// SPDX-License-Identifier: Apache-2.0 OR MIT

import ArgumentParser
import Cano
import CanoEngine
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

    /// Reads JSON from the command line: the text itself, `@FILE`, or `-` for standard input; `nil` for `nil`.
    static func json(_ argument: String?, subject: String) throws -> Payload? {
        guard let argument else { return nil }
        let isElsewhere = argument == "-" || argument.hasPrefix("@")
        let text = isElsewhere ? try Self.read(argument == "-" ? "-" : String(argument.dropFirst())) : argument
        do {
            return try JSONText(Array(text.utf8), subject: subject).payload
        } catch {
            throw ValidationError(error.message)
        }
    }
}
