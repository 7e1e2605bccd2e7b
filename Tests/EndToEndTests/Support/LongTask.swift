// SPDX-License-Identifier: Apache-2.0 OR MIT

import Foundation

/// A workflow of one step that takes until the scenario lets it go, for looking at one attempt closely.
struct LongTask {
    static let name = "long-task"

    let ledger: Ledger
    let scratch: Scratch

    /// Writes the program: it says that it began, waits for its gate, then says that it ended.
    ///
    /// A cancelled one dies by the signal that its process group gets, and never says that it ended.
    init(in scratch: Scratch) throws {
        self.scratch = scratch
        self.ledger = Ledger(path: scratch.file("ledger"))
        try scratch.write(
            program: """
                #!/bin/sh
                printf 'did %s %s\\n' "$CANO_IDEMPOTENCY_KEY" "$CANO_ATTEMPT" >> '\(self.ledger.path)'
                echo "$$" > '\(scratch.path)'/"pid.$CANO_ATTEMPT"
                while [ ! -e '\(scratch.path)'/"gate.$CANO_ATTEMPT" ]; do sleep 0.05; done
                printf '{"by": "%s"}' "$CANO_ATTEMPT"
                """,
            named: "long.sh"
        )
    }

    var program: String { self.scratch.file("long.sh") }

    var yaml: String {
        """
        workflow: \(Self.name)
        version: 1
        start: work
        states:
          work: { exec: [\(self.program)], to: done }
          done: { exit: success }
        """
    }

    var start: String { #"{"workflow": "\#(Self.name)"}"# }

    /// Lets an attempt end.
    func open(gateOf attempt: Int) throws {
        try Data().write(to: URL(fileURLWithPath: self.scratch.file("gate.\(attempt)")))
    }

    /// The process of an attempt, once it runs.
    func process(of attempt: Int) throws -> pid_t {
        var found: pid_t?
        try wait(for: "attempt \(attempt) to begin") {
            found = pid_t(text(of: self.scratch.file("pid.\(attempt)")).trimmingCharacters(in: .whitespacesAndNewlines))
            return found != nil
        }
        return try require(found, "attempt \(attempt) has no process")
    }
}

/// Whether a process is there and not a zombie.
func isAlive(_ pid: pid_t) -> Bool {
    let stat = text(of: "/proc/\(pid)/stat")
    guard let end = stat.lastIndex(of: ")") else { return false }
    return !stat[end...].hasPrefix(") Z")
}
