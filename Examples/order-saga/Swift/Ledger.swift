// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import FoundationEssentials

/// A file outside of Cano: what was done and what was undone, a line each, once for each idempotency key.
struct Ledger: Sendable {
    let path: String

    /// Appends a line, unless another attempt of the same work did.
    ///
    /// One order at a time: a real ledger would let its database compare.
    func note(_ verb: String, _ step: String, order: String, _ task: TaskContext) throws {
        let line = "\(verb) \(step) order=\(order) key=\(task.idempotencyKey)"
        var lines = try self.lines()
        guard !lines.contains(line) else { return }
        lines.append(line)
        let text = lines.joined(separator: "\n") + "\n"
        try Data(text.utf8).write(to: URL(filePath: self.path), options: .atomic)
    }

    /// What it says.
    func lines() throws -> [String] {
        guard FileManager.default.fileExists(atPath: self.path) else { return [] }
        let text = String(decoding: try Data(contentsOf: URL(filePath: self.path)), as: UTF8.self)
        return text.split(separator: "\n").map(String.init)
    }
}
