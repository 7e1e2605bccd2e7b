// SPDX-License-Identifier: Apache-2.0 OR MIT

/// What the handler `exec` needs to know: a program, its arguments, and what its exit means.
package struct ExecArguments: HandlerArguments {
    package static var handler: String { "exec" }

    /// The program and its arguments, each a template; never a shell line.
    package var argv: [String]
    /// What becomes of the standard output.
    package var output: OutputRules
    /// What exit codes mean; without an entry, 0 is success and everything else a failure that may be retried.
    package var exits: [Int: OutcomeRule]?

    package init(argv: [String], output: OutputRules = OutputRules(), exits: [Int: OutcomeRule]? = nil) {
        self.argv = argv
        self.output = output
        self.exits = exits
    }
}
