// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import CanoWorker
import Foundation
import Logging

/// A grant as a coordinator would send it, for one attempt of a made-up run.
func makeGrant(
    _ input: LeaseGrant.Input,
    _ arguments: some HandlerArguments,
    state: String = "work",
    next: [String] = ["done"]
) throws -> LeaseGrant {
    let run = RunID(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0007)
    let path: WorkPath =
        switch input {
        case .task, .router: .step
        case .expand: .expand
        case .branch(let index, _, _): .branch(index)
        case .undo: .undo(seq: 9)
        }
    return LeaseGrant(
        lease: LeaseRef(
            key: WorkKey(run: run, visit: 3, path: path),
            attempt: 2,
            token: Token(epoch: Epoch(rawValue: 1), counter: 5)
        ),
        definition: DefinitionKey(name: "test", version: 1),
        digest: "00",
        state: state,
        handler: type(of: arguments).handler,
        arguments: try arguments.payload(),
        next: next,
        timeout: nil,
        input: input
    )
}

extension WorkHandler {
    /// Does the attempt; `within` is the time it may take.
    func answer(_ grant: LeaseGrant, within: Duration? = nil) async -> AttemptReport.Result {
        let deadline = within.map { ContinuousClock.now.advanced(by: $0) }
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        return await self.perform(grant, TaskContext(grant: grant, deadline: deadline, logger: logger) { _ in })
    }
}

extension LeaseGrant.Input {
    /// A task with a context and no branches.
    static func task(_ context: String) -> Self { .task(context: .json(context), branches: nil) }
    /// A branch with an item, given as JSON.
    static func branch(_ item: String, context: String = "{}") -> Self {
        .branch(index: 0, item: .json(item), context: .json(context))
    }
}

extension AttemptReport.Result {
    var failure: Failure? {
        switch self {
        case .failed(let failure, _), .stopped(let failure): failure
        case .completed, .carried, .released: nil
        }
    }

    /// The text of a completed branch's output.
    var output: String? {
        guard case .completed(.output(let payload)) = self else { return nil }
        return String(decoding: payload.bytes, as: UTF8.self)
    }

    /// The context after a completed task.
    var context: String? {
        guard case .completed(.task(let context?, _, _)) = self else { return nil }
        return String(decoding: context.bytes, as: UTF8.self)
    }

    /// The state that a completed task or router chose.
    var next: String? {
        switch self {
        case .completed(.task(_, let next, _)): next
        case .completed(.route(let next)): next
        case .completed, .carried, .failed, .stopped, .released: nil
        }
    }
}

/// A folder of scripts that is removed at the end of a test.
final class Scripts {
    let folder: String

    init() throws {
        self.folder = FileManager.default.temporaryDirectory.appending(path: "cano-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: self.folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: self.folder) }

    /// Writes a shell script and returns its path.
    func add(_ name: String, _ body: String) throws -> String {
        let path = self.path(name)
        try Data("#!/bin/sh\n\(body)\n".utf8).write(to: URL(filePath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        return path
    }

    func path(_ name: String) -> String { "\(self.folder)/\(name)" }

    func text(_ name: String) -> String? { try? String(contentsOfFile: self.path(name), encoding: .utf8) }

    /// A handler that may run these scripts.
    func handler(_ limits: Limits = Limits()) throws -> ExecHandler {
        ExecHandler(policy: try ExecPolicy(allowing: [self.folder]), limits: limits)
    }
}
