// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano

/// Adds up what the branches found.
struct CountPackages: JoinTask {
    func run(
        _ context: inout AuditLicences.Context,
        _ branches: [BranchResult<[String]>],
        _ task: TaskContext
    ) async throws -> AuditLicences.State {
        var counts: [String: Int] = [:]
        for licence in branches.compactMap(\.value).joined() { counts[licence, default: 0] += 1 }
        context.counts = counts
        return branches.isEmpty ? .empty : .done
    }
}
