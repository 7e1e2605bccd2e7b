// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine

extension EngineHost {
    /// Puts the unfinished runs of one version under another one, one by one.
    package func migrate(_ order: MigrationOrder, caller: Caller) async throws(CanoError) -> MigrationReport {
        guard let old = try await self.plan(order.workflow, version: order.from) else {
            throw Self.unknown(StartRequest(workflow: order.workflow, version: order.from))
        }
        guard let new = try await self.plan(order.workflow, version: order.to) else {
            throw Self.unknown(StartRequest(workflow: order.workflow, version: order.to))
        }
        // What no run could ever obey is said at once, before anything is touched.
        if let problem = order.map.problem(from: old.definition, to: new.definition) {
            throw CanoError(.invalidInput, problem)
        }
        var report = MigrationReport()
        for status in RunStatus.allCases where !status.isFinished {
            try await self.migrate(order, status, caller: caller, &report)
        }
        return report
    }

    private func migrate(
        _ order: MigrationOrder,
        _ status: RunStatus,
        caller: Caller,
        _ report: inout MigrationReport
    ) async throws(CanoError) {
        var query = RunQuery {
            $0.workflow = order.workflow
            $0.status = status
            $0.limit = self.configuration.limits.pageRows
        }
        while true {
            let page = try await self.store.summaries(query)
            for summary in page where summary.definition.version == order.from {
                do throws(CanoError) {
                    let verb = RunVerb.migrate(version: order.to, order.map)
                    switch try await self.order(verb, for: summary.run, caller: caller) {
                    case .done: report.migrated += 1
                    case .unchanged: break
                    case .posted: report.posted += 1
                    }
                } catch {
                    guard error.code != .storeUnavailable else { throw error }
                    report.refused.append(MigrationReport.Refused(run: summary.run, reason: error.message))
                }
            }
            guard let last = page.last, page.count == query.limit else { return }
            query.before = last.run
        }
    }
}
