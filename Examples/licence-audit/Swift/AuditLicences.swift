// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano

/// Which licences do the packages of this machine name? The typed twin of `licence-audit.yaml`.
struct AuditLicences: Workflow {
    static let name = "audit-licences"
    static let version = 1

    enum State: String, WorkflowState { case list, audit, report, done, empty }

    struct Context: Codable, Sendable {
        var folder: String
        var files: [String] = []
        /// How many packages name a licence.
        var counts: [String: Int] = [:]
    }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .list: .task(ListFiles(), to: .audit)
        case .audit:
            .split(
                over: \.files,
                ReadLicences(),
                join: .all,
                retry: .exponential(attempts: 5),
                timeout: .seconds(60),
                to: .report
            )
        case .report: .task(CountPackages(), to: .done, .empty)
        case .done: .exit
        case .empty: .exit(.failure)
        }
    }
}
