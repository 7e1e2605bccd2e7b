// SPDX-License-Identifier: Apache-2.0 OR MIT

extension RunHistory {
    /// The states where the run was, in order.
    var visited: [Entry] {
        self.timeline.filter { $0.kind == "started" || $0.kind == "entered" || $0.kind == "finished" }
    }

    /// The record of the first entering of a state.
    func entry(of state: String) -> Entry? { self.visited.first { $0.state == state } }

    func count(of kind: String) -> Int { self.timeline.count { $0.kind == kind } }

    /// Who did the work that counted.
    var workers: Set<String> { Set(self.outcomes.compactMap(\.worker)) }
}
