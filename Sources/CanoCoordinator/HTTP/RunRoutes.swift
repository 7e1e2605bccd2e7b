// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import Hummingbird

/// Looking at runs, waiting for them and cancelling them.
struct RunRoutes: Sendable {
    private static let longestWait = Span.seconds(300)
    private static let defaultRows = 200

    let plane: any ControlPlane
    let limits: Limits
    private let positions: RunPositions

    init(plane: any ControlPlane, limits: Limits) {
        self.plane = plane
        self.limits = limits
        self.positions = RunPositions(plane: plane, pageRows: limits.pageRows)
    }

    func add(to router: Router<BasicRequestContext>) {
        router.get("/v1/runs") { request, _ in try await self.list(request) }
        router.get("/v1/runs/{id}") { request, context in try await self.show(request, run: try context.run()) }
        router.post("/v1/runs/{id}/cancel") { request, context in
            let summary = try await self.plane.cancel(try context.run(), caller: request.caller)
            return Response.json { RunView(summary).write(to: &$0) }
        }
    }

    private func list(_ request: Request) async throws -> Response {
        var query = RunQuery()
        query.workflow = request.query("workflow")
        query.limit = try request.query("limit", in: 1...self.limits.pageRows, default: query.limit)
        if let name = request.query("status") {
            guard let status = RunStatus(name: name) else {
                let known = RunStatus.allCases.map(\.name).joined(separator: ", ")
                throw CanoError(.invalidInput, "'status=\(name)' is unknown; there are: \(known)")
            }
            query.status = status
        }
        if let text = request.query("before") {
            guard let run = RunID(text) else {
                throw CanoError(.invalidInput, "'before=\(text)' must be a run id: the last one of the page before")
            }
            query.before = run
        }
        let runs = try await self.plane.runs(query)
        return Response.json { writer in
            writer.object { writer in
                // A full page may have a successor; the name of its last run leads there.
                if runs.count == query.limit { writer.member("next", runs.last?.run.description) }
                writer.name("runs")
                writer.array { writer in
                    for run in runs { RunView(run).write(to: &writer) }
                }
            }
        }
    }

    private func show(_ request: Request, run: RunID) async throws -> Response {
        let after = try request.query("after", in: 0...Int.max, default: 0)
        let limit = try request.query("limit", in: 0...self.limits.pageRows, default: Self.defaultRows)
        let wait = try request.query(span: "wait", upTo: Self.longestWait)
        let summary =
            if let wait {
                try await self.plane.run(run, finishedWithin: wait)
            } else {
                try await self.plane.run(run)
            }
        let rows = limit == 0 ? [] : try await self.plane.history(of: run, after: after, limit: limit)
        let isWhole = after == 0 && rows.count < limit
        let position =
            if isWhole {
                RunPosition(rows)
            } else {
                try await self.positions.position(of: run, isFinished: summary.status.isFinished)
            }
        let waits = summary.status.isFinished ? [] : await self.plane.liveWaits(of: run)
        var view = RunView(summary, position: position)
        view.note = view.note ?? WaitView.note(waits)
        let detail = RunDetail(
            run: view,
            timeline: rows.map(TimelineEntry.init),
            next: limit > 0 && rows.count == limit ? rows.last?.seq : nil,
            leases: await self.plane.liveLeases(of: run).map(LeaseView.init),
            waits: waits.prefix(self.limits.pageRows).map(WaitView.init)
        )
        return Response.json { detail.write(to: &$0) }
    }
}
