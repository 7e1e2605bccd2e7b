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
        let start = try StartBody.readStart(body)
        if let objection = self.objection(to: start) { throw objection }
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
        let starts = try StartBody.readBatch(body, limit: self.limits.startsPerRequest)
        var answers: [StartAnswer?] = starts.map { self.objection(to: $0).map(StartAnswer.refused) }
        let admitted = starts.indices.filter { answers[$0] == nil }
        if !admitted.isEmpty {
            let given = try await self.plane.start(admitted.map { starts[$0] }, caller: request.caller)
            for (index, answer) in zip(admitted, given) { answers[index] = answer }
        }
        let missing = CanoError(.storeUnavailable, "the coordinator gave no answer: start it again with the same key")
        return Response.json { StartBody.write(answers.map { $0 ?? .refused(missing) }, to: &$0) }
    }

    /// What is too large in a start, whatever the coordinator knows.
    private func objection(to start: StartRequest) -> CanoError? {
        if let context = start.context, context.count > self.limits.payloadBytes {
            let sizes = "\(context.count) bytes, at most \(self.limits.payloadBytes)"
            return CanoError(.limitExceeded, "the context has \(sizes): keep large data elsewhere and pass its place")
        }
        if let key = start.key, key.isEmpty || key.count > self.limits.nameCharacters {
            return CanoError(
                .limitExceeded,
                "the key has \(key.count) characters: it needs 1 to \(self.limits.nameCharacters)"
            )
        }
        return nil
    }
}
