// SPDX-License-Identifier: Apache-2.0 OR MIT

import Foundation

/// A folder of one scenario; it stays when the scenario failed, so that the logs can be read.
struct Scratch: Sendable {
    let path: String

    /// A new folder; ``remove()`` ends it.
    init() throws {
        let path = NSTemporaryDirectory() + "/cano-e2e-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        self.path = path
    }

    /// Runs a scenario in a folder of its own.
    static func with<Value>(_ body: (Scratch) throws -> Value) throws -> Value {
        let scratch = try Scratch()
        do {
            let value = try body(scratch)
            try scratch.remove()
            return value
        } catch {
            throw Problem("\(error) (logs: \(scratch.path))")
        }
    }

    func remove() throws {
        try FileManager.default.removeItem(atPath: self.path)
    }

    func file(_ name: String) -> String { "\(self.path)/\(name)" }

    /// Writes a program.
    func write(program: String, named name: String) throws {
        try Data(program.utf8).write(to: URL(fileURLWithPath: self.file(name)))
        try require(chmod(self.file(name), 0o755) == 0, "\(self.file(name)) cannot be made executable")
    }
}

/// The text of a file; empty when there is none yet.
func text(of path: String) -> String {
    guard let data = FileManager.default.contents(atPath: path) else { return "" }
    return String(decoding: data, as: UTF8.self)
}
