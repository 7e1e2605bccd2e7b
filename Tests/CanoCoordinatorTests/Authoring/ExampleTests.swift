// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoCoordinator
import CanoEngine
import CanoWorker
import Foundation
import Logging
import Testing

/// Runs the examples state by state with the real handlers, as a coordinator would grant them.
@Suite("Examples", .serialized)  // the environment, which names the ledger, belongs to the whole process
struct ExampleTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../..").standardizedFileURL.path

    private static func definition(_ name: String) throws -> Definition {
        let path = "\(Self.root)/Examples/\(name)/\(name).yaml"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        _ = try WorkflowDocument.parse(text)
        // The workers of these tests do not stand in the root of the repository.
        return try WorkflowDocument.parse(text.replacing("[Examples/", with: "[\(Self.root)/Examples/"))
    }

    private final class Folder {
        let path = FileManager.default.temporaryDirectory.appending(path: "cano-\(UUID().uuidString)").path

        init() throws {
            try FileManager.default.createDirectory(atPath: self.path, withIntermediateDirectories: true)
        }

        deinit { try? FileManager.default.removeItem(atPath: self.path) }

        func write(_ name: String, _ text: String) throws {
            let url = URL(filePath: "\(self.path)/\(name)")
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try Data(text.utf8).write(to: url)
        }

        func text(_ name: String) throws -> String {
            try String(contentsOfFile: "\(self.path)/\(name)", encoding: .utf8)
        }
    }

    private let catalogue: WorkCatalogue
    private let run = RunID(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0007)

    init() throws {
        var catalogue = WorkCatalogue()
        try catalogue.addBuiltIn(allowingExec: ["\(Self.root)/Examples"], allowingHTTP: [])
        self.catalogue = catalogue
    }

    private func perform(
        _ task: TaskDefinition,
        arguments: Payload? = nil,
        _ state: String,
        visit: Int,
        _ path: WorkPath,
        next: [String],
        _ input: LeaseGrant.Input
    ) async throws -> AttemptReport.Result {
        let grant = LeaseGrant(
            lease: LeaseRef(
                key: WorkKey(run: self.run, visit: visit, path: path),
                attempt: 1,
                token: Token(epoch: Epoch(rawValue: 1), counter: 1)
            ),
            definition: DefinitionKey(name: "example", version: 1),
            digest: "00",
            state: state,
            handler: task.handler,
            arguments: arguments ?? task.arguments,
            next: next,
            timeout: task.timeout,
            input: input
        )
        let handler = try #require(self.catalogue.handler(for: grant))
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        return await handler.perform(grant, TaskContext(grant: grant, deadline: nil, logger: logger) { _ in })
    }

    // MARK: Licence audit

    /// Walks through the audit; returns the last context and the state that was chosen.
    private func audit(_ context: Payload) async throws -> (context: JSONValue, next: String?) {
        let states = try Self.definition("licence-audit").states
        guard case .task(let list, let afterList) = states[0].step, case .split(let split, _) = states[1].step,
            case .task(let report, let afterReport) = states[2].step
        else { throw CanoError(.invalidInput, "the example has other states") }
        let listed = try await self.perform(
            list,
            "list",
            visit: 1,
            .step,
            next: afterList,
            .task(context: context, branches: nil)
        )
        guard case .completed(.task(let found?, _, _)) = listed else { throw CanoError(.taskFailed, "\(listed)") }
        let expanded = try await self.perform(
            try #require(split.expand),
            "audit",
            visit: 2,
            .expand,
            next: ["report"],
            .expand(context: found, branches: nil)
        )
        guard case .completed(.items(let items)) = expanded else { throw CanoError(.taskFailed, "\(expanded)") }
        var branches: [BranchOutcome] = []
        for (index, item) in items.enumerated() {
            let input = LeaseGrant.Input.branch(index: index, item: item, context: found)
            let branch = try #require(split.branch)
            let ended = try await self.perform(branch, "audit", visit: 2, .branch(index), next: ["report"], input)
            guard case .completed(.output(let output)) = ended else { throw CanoError(.taskFailed, "\(ended)") }
            branches.append(.success(output))
        }
        let reported = try await self.perform(
            report,
            "report",
            visit: 3,
            .step,
            next: afterReport,
            .task(context: found, branches: branches)
        )
        guard case .completed(.task(let after?, let next, _)) = reported else {
            throw CanoError(.taskFailed, "\(reported)")
        }
        return (try JSONValue.parse(after.bytes), next)
    }

    private func context(_ folder: String, _ report: String) -> Payload {
        JSONValue.object(["folder": .string(folder), "report": .string(report)]).payload
    }

    /// The same counts by the plain pipeline.
    private func shellCount(_ folder: String) throws -> String {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(filePath: "\(Self.root)/Examples/licence-audit/shell-count.sh")
        process.arguments = [folder]
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: data, as: UTF8.self)
    }

    private func table(_ report: String) -> String {
        report.split(separator: "\n").filter { !$0.hasPrefix("#") }
            .map { $0.split(separator: "\t").prefix(2).joined(separator: "\t") + "\n" }.joined()
    }

    @Test("each rule about licences, in the report, in the context and in the plain pipeline")
    func rules() async throws {
        let folder = try Folder()
        let machine = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n"
        let files = [
            "a": machine + "\nFiles: *\nLicense: GPL-2+ with OpenSSL exception\n text\n\nlicense: GPL-2+\n",
            "b": machine + "\nLicense: LGPL-2.1+ or MPL-1.1 and (BSD-3-clause OR gpl-2), Expat and/or Zlib.\n",
            "c": machine + "\r\n\r\nLicense: Expat\r\n",
            "d": machine + "\nLicense:\n See /usr/share/common-licenses/GPL-3.\n",
            "e": "License: MIT\nSee `/usr/share/common-licenses/GPL-2' and /usr/share/common-licenses/LGPL-2.1.\n",
            "f": "This is free software.\n",
            "g": "\n \nformat-specification: x\n\nLICENSE: Expat; Expat;\n",
            "h": "x\n\nFormat: x\nLicense: MIT\n",
            "i": machine + "\nLicense: \"Quo\\te\" or and, or\tÄB\n",
            "j \"q\" \\ x": machine + "\nLicense: Expat\n",
            "k": "",
        ]
        for (name, text) in files { try folder.write("doc/\(name)/copyright", text) }
        try folder.write("doc/.hidden/copyright", machine + "\nLicense: hidden\n")
        try folder.write("doc/none/other", "x")
        let report = "\(folder.path)/out/report.tsv"
        let (context, next) = try await self.audit(self.context("\(folder.path)/doc", report))
        #expect(next == "done")
        let expected = #"""
            4\#tExpat
            3\#tunknown
            1\#t"Quo\te"
            1\#tB
            1\#tBSD-3-clause
            1\#tGPL-2
            1\#tGPL-2+
            1\#tGPL-3
            1\#tLGPL-2.1
            1\#tLGPL-2.1+
            1\#tMPL-1.1
            1\#tZlib
            1\#tgpl-2

            """#
        let text = try folder.text("out/report.tsv")
        #expect(self.table(text) == expected)
        #expect(text.contains("4\tExpat\tb, c, g, j \"q\" \\ x\n"))
        #expect(try self.shellCount("\(folder.path)/doc") == self.table(text))
        let counts = try #require(JSONPointer("/licences").flatMap { context.value(at: $0) })
        guard case .object(let licences) = counts else { return #expect(Bool(false)) }
        #expect(licences.map { "\($0.value.text)\t\($0.key)\n" }.joined() == self.table(text))
        #expect(JSONPointer("/packages").flatMap { context.value(at: $0) }?.text == "11")
    }

    @Test("a folder without packages leads to the other exit")
    func empty() async throws {
        let folder = try Folder()
        let (context, next) = try await self.audit(self.context(folder.path, "\(folder.path)/report.tsv"))
        #expect(next == "empty")
        #expect(JSONPointer("/packages").flatMap { context.value(at: $0) }?.text == "0")
    }

    // MARK: Order saga

    @Test("shipping fails for good; the undos write each line once, however often they run", arguments: [true, false])
    func saga(isKnown: Bool) async throws {
        let folder = try Folder()
        let states = try Self.definition("order-saga").states
        setenv("ORDER_LEDGER", "\(folder.path)/ledger", 1)
        var context = Payload.json(#"{"order":"4711"}"#)
        var pushed: [(task: TaskDefinition, visit: Int, output: Payload?)] = []
        for (index, state) in states.prefix(3).enumerated() {
            guard case .task(let task, let next) = state.step else { return #expect(Bool(false)) }
            let input = LeaseGrant.Input.task(context: context, branches: nil)
            var ended = AttemptReport.Result.released
            for _ in 0..<2 {
                ended = try await self.perform(task, state.name, visit: index + 1, .step, next: next, input)
            }
            switch ended {
            case .completed(.task(let after, _, let output)):
                context = after ?? context
                pushed.append((task, index + 1, isKnown ? output : nil))
            case .failed(let failure, _):
                #expect(state.name == "ship")
                #expect(!failure.isRetryable)
                #expect(failure.message.hasSuffix("no carrier takes order 4711"))
            case .completed, .carried, .stopped, .released: Issue.record("\(ended)")
            }
        }
        #expect(context == .json(#"{"order":"4711","reservation":"R-4711","payment":"P-4711"}"#))
        for (index, push) in pushed.enumerated().reversed() {
            let undo = try #require(push.task.undo)
            let input = LeaseGrant.Input.undo(of: .step, output: push.output)
            for _ in 0..<2 {
                let ended = try await self.perform(
                    push.task,
                    arguments: undo.arguments,
                    states[index].name,
                    visit: push.visit,
                    .undo(seq: index),
                    next: [],
                    input
                )
                #expect(ended == .completed(.undone))
            }
        }
        let known = isKnown ? ("P-4711", "R-4711") : ("unknown", "unknown")
        let expected = """
            did reserve order=4711 key=\(self.run)/1/step
            did charge order=4711 key=\(self.run)/2/step
            undid charge order=\(known.0) key=\(self.run)/2/step/undo
            undid reserve order=\(known.1) key=\(self.run)/1/step/undo

            """
        #expect(try folder.text("ledger") == expected)
    }
}
