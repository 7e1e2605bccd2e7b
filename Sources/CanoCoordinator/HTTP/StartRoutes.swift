// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import Hummingbird

/// Starting runs, one by one or in bulk.
struct StartRoutes: Sendable {
    /// What a start may need besides its context.
    private static let envelopeBytes = 16 * 1024

    let plane: any ControlPlane
    let limits: Limits

    func add(to router: Router<BasicRequestContext>) {
        router.post("/v1/runs") { request, _ in try await self.start(request) }
        router.post("/v1/runs:batch") { request, _ in try await self.startBatch(request) }
    }

    private func start(_ request: Request) async throws -> Response {
        let body = try await request.json(upTo: self.limits.payloadBytes + Self.envelopeBytes)
        var start = try StartBody.readStart(body)
        start.trace = request.trace
        guard let answer = try await self.plane.start([start], caller: request.caller).first else {
            throw CanoError(.storeCorrupt, "the coordinator gave no answer to a start: its log has the reason")
        }
        switch answer {
        case .created(let run):
            var response = Response.json(status: .created) { StartBody.write(answer, to: &$0) }
            response.headers[.location] = "/v1/runs/\(run)"
            return response
        case .existing:
            return Response.json { StartBody.write(answer, to: &$0) }
        case .refused(let error):
            throw error
        }
    }

    private func startBatch(_ request: Request) async throws -> Response {
        let body = try await request.json(upTo: self.limits.frameBytes)
        var starts = try StartBody.readBatch(body, limit: self.limits.startsPerRequest)
        for index in starts.indices { starts[index].trace = request.trace }
        let answers = starts.isEmpty ? [] : try await self.plane.start(starts, caller: request.caller)
        return Response.json { StartBody.write(answers, to: &$0) }
    }
}
