// SPDX-License-Identifier: Apache-2.0 OR MIT

import ArgumentParser
import Cano
import CanoClient
import CanoEngine

/// What the three verbs about blocked work have in common.
struct BlockedWork: ParsableArguments {
    @OptionGroup var client: ClientOptions

    @Argument(help: "The run's id.")
    var id: String

    @Option(help: "Which work, as the timeline names it: step, branch/17, undo/5 (default: all that is blocked).")
    var path: String?

    @Option(help: "Why, for the history.")
    var note: String?

    /// Sends the decision and says what became of it.
    func decide(_ verb: Intervention.Verb, output: Payload? = nil, next: String? = nil, done: String) async throws {
        var intervention = Intervention(verb, note: self.note, output: output, next: next)
        if let path = self.path {
            guard let work = WorkPath(path) else {
                throw ValidationError("'\(path)' is no work: write it like step, expand, branch/17 or undo/5")
            }
            intervention.path = work
        }
        let request = CanoClient.request(intervention, in: try RunID(argument: self.id))
        try await self.client.show(request) { answer, _ in
            switch try OrderBody.readAnswer(answer) {
            case .done: "\(done)\n"
            case .unchanged: "nothing was blocked any more\n"
            case .posted: "the order is on its way to the coordinator that owns the run\n"
            }
        }
    }
}
