// SPDX-License-Identifier: Apache-2.0 OR MIT

import AsyncHTTPClient
import Cano
import CanoClient
import CanoEngine
import Logging
import NIOCore
import NIOHTTP1
import ServiceLifecycle

@testable import CanoCoordinator

/// The API on a port of its own, over a fake plane.
struct TestServer {
    let plane: FakePlane
    let port: Int

    var url: String { "http://127.0.0.1:\(self.port)" }

    /// A definition whose name is the text behind `workflow: ` and whose only state is an exit.
    static func parse(_ text: String) throws(CanoError) -> Definition {
        guard text.hasPrefix("workflow: ") else {
            throw CanoError(.invalidDefinition, "line 1, column 1: 'workflow' is missing")
        }
        let lines = text.split(separator: "\n")
        return Definition(
            name: String(lines[0].dropFirst(10)),
            version: 1,
            start: "done",
            states: lines.dropFirst().map { StateDefinition(name: String($0), step: .exit(.success)) }
        )
    }

    /// Serves while `body` runs.
    static func with(
        _ configuration: ControlService.Configuration = .init(),
        plane: FakePlane = FakePlane(),
        port chosen: Int = 0,
        parse: @escaping ControlService.DefinitionParser = TestServer.parse,
        _ body: (TestServer) async throws -> Void
    ) async throws {
        var configuration = configuration
        configuration.port = chosen
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        let service = ControlService(
            plane,
            configuration: configuration,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
            parseDefinition: parse,
            onListening: { port.yield($0) }
        )
        let group = ServiceGroup(
            services: [service],
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        )
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                defer { port.finish() }
                try await group.run()
            }
            for await number in ports {
                do {
                    try await body(TestServer(plane: plane, port: number))
                } catch {
                    await group.triggerGracefulShutdown()
                    throw error
                }
                await group.triggerGracefulShutdown()
            }
            try await tasks.waitForAll()
        }
    }

    /// A client of this server.
    func client<Result: Sendable>(
        token: String? = nil,
        _ body: (CanoClient) async throws -> Result
    ) async throws -> Result {
        let configuration = CanoClient.Configuration {
            $0.url = self.url
            $0.token = token
            $0.actor = "tester"
        }
        return try await CanoClient.withClient(configuration, body)
    }

    /// A request as anybody can send it.
    func raw(
        _ method: String,
        _ path: String,
        headers: [(String, String)] = [],
        body: String? = nil,
        bytes: [UInt8]? = nil
    ) async throws -> (status: Int, body: String) {
        var request = HTTPClientRequest(url: self.url + path)
        request.method = HTTPMethod(rawValue: method)
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let body = bytes ?? body.map({ Array($0.utf8) }) { request.body = .bytes(body) }
        let answer = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
        let bytes = try await answer.body.collect(upTo: 1 << 20)
        return (Int(answer.status.code), String(buffer: bytes))
    }
}
