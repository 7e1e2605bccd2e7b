// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import Hummingbird

/// What operators and supervisors ask about the process itself.
struct StatusRoutes: Sendable {
    let plane: any ControlPlane

    func add(to router: Router<BasicRequestContext>) {
        router.get("/healthz") { _, _ in
            Response.json { writer in
                writer.object { $0.member("status", "ok") }
            }
        }
        router.get("/readyz") { _, _ in
            let readiness = await self.plane.readiness()
            return Response.json(status: readiness.isReady ? .ok : .serviceUnavailable) { writer in
                writer.object { writer in
                    writer.member("detail", readiness.detail)
                    writer.member("ready", readiness.isReady)
                    writer.member("shards", readiness.ownedShards)
                }
            }
        }
        router.post("/v1/breakers/{name}/{force}") { request, context in
            let name = try context.parameters.require("name")
            let word = try context.parameters.require("force")
            guard let force = BreakerForce(rawValue: word) else {
                let words = BreakerForce.allCases.map(\.rawValue).joined(separator: ", ")
                throw CanoError(.invalidInput, "a breaker cannot be told '\(word)': use one of \(words)")
            }
            try await self.plane.force(breaker: name, force, caller: request.caller)
            return Response.json { writer in
                writer.object { writer in
                    writer.member("breaker", name)
                    writer.member("force", force.rawValue)
                }
            }
        }
        router.get("/v1/workers") { _, _ in
            let workers = await self.plane.workers()
            return Response.json { writer in
                writer.object { writer in
                    writer.name("workers")
                    writer.array { writer in
                        for worker in workers { WorkerView(worker).write(to: &writer) }
                    }
                }
            }
        }
    }
}
