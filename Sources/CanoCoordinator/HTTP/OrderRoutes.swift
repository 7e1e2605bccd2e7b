// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import Hummingbird

/// Telling runs something, deciding about work that cannot go on, and moving runs to another version.
struct OrderRoutes: Sendable {
    /// What an order may need besides a payload.
    private static let envelopeBytes = 16 * 1024

    let plane: any ControlPlane
    let limits: Limits

    func add(to router: Router<BasicRequestContext>) {
        router.post("/v1/runs/{id}/signals/{name}") { request, context in
            let name = try context.parameters.require("name")
            return try await self.signal(request, run: try context.run(), name: name)
        }
        for verb in Intervention.Verb.allCases {
            router.post("/v1/runs/{id}/\(verb.rawValue)") { request, context in
                try await self.intervene(request, run: try context.run(), verb)
            }
        }
        router.post("/v1/workflows/{name}/migrate") { request, context in
            let name = try context.parameters.require("name")
            let order = try OrderBody.readMigration(of: name, try await request.json(upTo: self.limits.payloadBytes))
            let report = try await self.plane.migrate(order, caller: request.caller)
            return Response.json { OrderBody.write(report, to: &$0) }
        }
    }

    private func signal(_ request: Request, run: RunID, name: String) async throws -> Response {
        let isEmpty = request.headers[.contentLength] == "0" || request.headers[.contentType] == nil
        // A payload that is too large by a byte is refused by the run, which says so by name.
        let payload =
            isEmpty ? .json("null") : try await request.json(upTo: self.limits.payloadBytes + 1).payload
        let signal = RunSignal(name: name, payload: payload, id: request.query("id"))
        return self.answer(try await self.plane.order(.signal(signal), for: run, caller: request.caller))
    }

    private func intervene(_ request: Request, run: RunID, _ verb: Intervention.Verb) async throws -> Response {
        let isEmpty = request.headers[.contentLength] == "0" || request.headers[.contentType] == nil
        var intervention = Intervention(verb)
        if !isEmpty {
            let body = try await request.json(upTo: self.limits.payloadBytes + Self.envelopeBytes)
            intervention = try OrderBody.read(verb, body)
        }
        return self.answer(try await self.plane.order(.intervene(intervention), for: run, caller: request.caller))
    }

    /// What another coordinator will do when it reads its mail is only accepted.
    private func answer(_ answer: OrderAnswer) -> Response {
        Response.json(status: answer == .posted ? .accepted : .ok) { OrderBody.write(answer, to: &$0) }
    }
}
