// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import Hummingbird

/// Registering workflows, listing them and showing one.
struct WorkflowRoutes: Sendable {
    private static let definitionBytes = 1024 * 1024
    private static let types: Set<String> = [
        "application/json", "application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml",
    ]

    let plane: any ControlPlane
    let parse: ControlService.DefinitionParser

    func add(to router: Router<BasicRequestContext>) {
        router.get("/v1/workflows") { _, _ in
            let definitions = try await self.plane.definitions()
            return Response.json { writer in
                writer.object { writer in
                    writer.name("workflows")
                    writer.array { writer in
                        for definition in definitions { WorkflowView(definition).write(to: &writer) }
                    }
                }
            }
        }
        router.get("/v1/workflows/{name}") { request, context in
            try await self.show(request, name: try context.name("name"))
        }
        router.put("/v1/workflows/{name}") { request, context in
            try await self.apply(request, name: try context.name("name"))
        }
    }

    private func show(_ request: Request, name: String) async throws -> Response {
        let version = try request.query("version", in: 1...Int.max, default: 0)
        let versions = try await self.plane.definitions().filter { $0.name == name }
        let wanted = version == 0 ? versions.max { $0.version < $1.version } : versions.first { $0.version == version }
        guard let definition = wanted else {
            let known = versions.map { "\($0.version)" }.joined(separator: ", ")
            let what = versions.isEmpty ? "workflow '\(name)'" : "version \(version) of '\(name)', only \(known)"
            throw CanoError(.unknownWorkflow, "there is no \(what): 'GET /v1/workflows' lists what there is")
        }
        let detail = try WorkflowDetail(definition)
        return Response.json { detail.write(to: &$0) }
    }

    private func apply(_ request: Request, name: String) async throws -> Response {
        let bytes = try await request.bytes(upTo: Self.definitionBytes, types: Self.types)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw CanoError(.invalidDefinition, "the definition is not UTF-8: save it in UTF-8")
        }
        let definition = try self.parse(text)
        guard definition.name == name else {
            throw CanoError(
                .invalidDefinition,
                "the path names '\(name)' but the definition '\(definition.name)': make them the same"
            )
        }
        let created = try await self.plane.apply(definition, caller: request.caller)
        return Response.json(status: created ? .created : .ok) { writer in
            WorkflowView(definition, created: created).write(to: &writer)
        }
    }
}

extension BasicRequestContext {
    /// A part of the path, decoded.
    func name(_ parameter: String) throws -> String {
        let raw = try self.parameters.require(parameter)
        guard let name = PercentCoding.decode(raw) else {
            throw CanoError(.invalidInput, "the path part '\(raw)' is not percent-encoded UTF-8")
        }
        return name
    }

    /// A run's id in the path.
    func run() throws -> RunID {
        let text = try self.name("id")
        guard let run = RunID(text) else {
            throw CanoError(.unknownRun, "'\(text)' is not a run id: ids are UUIDs, as 'cano runs' lists them")
        }
        return run
    }
}
