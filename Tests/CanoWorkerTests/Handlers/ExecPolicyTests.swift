// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import CanoWorker
import Foundation
import Testing

@Suite("--allow-exec")
struct ExecPolicyTests {
    private func answer(_ argv: [String], allowing paths: [String], searchPath: String? = nil) async throws -> Failure?
    {
        let policy = try ExecPolicy(allowing: paths, searchPath: searchPath ?? "/usr/bin:/bin")
        return await ExecHandler(policy: policy).answer(try makeGrant(.task("{}"), ExecArguments(argv: argv))).failure
    }

    @Test("an allowed file and everything in an allowed folder may run, nothing else")
    func allowed() async throws {
        let scripts = try Scripts()
        let (one, two) = (try scripts.add("one", "true"), try scripts.add("two", "true"))
        #expect(try await self.answer([one], allowing: [one]) == nil)
        #expect(try await self.answer([two], allowing: [scripts.folder]) == nil)
        #expect(try await self.answer([two], allowing: ["/"]) == nil)
        let failure = try await self.answer([two], allowing: [one])
        #expect(failure?.code == "notAllowed")
        #expect(failure?.isRetryable == false)
        #expect(failure?.message == "this worker may not run '\(two)'; start the worker with --allow-exec \(two)")
    }

    @Test("a folder whose name only begins alike is not allowed")
    func boundary() async throws {
        let scripts = try Scripts()
        let inside = scripts.path("bin"), beside = scripts.path("binary")
        for folder in [inside, beside] {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        }
        #expect(try await self.answer([try scripts.add("bin/a", "true")], allowing: [inside]) == nil)
        #expect(try await self.answer([try scripts.add("binary/a", "true")], allowing: [inside])?.code == "notAllowed")
    }

    @Test("links and dots lead to the file that counts")
    func links() async throws {
        let (scripts, others) = (try Scripts(), try Scripts())
        let outside = try others.add("outside", "true")
        let link = scripts.path("link")
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: outside)
        let failure = try await self.answer([link], allowing: [scripts.folder])
        #expect(failure?.code == "notAllowed")
        #expect(failure?.message.contains(outside) == true)
        let dots = "\(scripts.folder)/../\(URL(filePath: others.folder).lastPathComponent)/outside"
        #expect(try await self.answer([dots], allowing: [scripts.folder])?.code == "notAllowed")
        #expect(try await self.answer([link], allowing: [outside]) == nil)
    }

    @Test("a name without a slash is looked up in PATH, and only there")
    func searchPath() async throws {
        let scripts = try Scripts()
        _ = try scripts.add("mine", "true")
        #expect(
            try await self.answer(["mine"], allowing: [scripts.folder], searchPath: "/nowhere:\(scripts.folder)") == nil
        )
        let failure = try await self.answer(["mine"], allowing: [scripts.folder], searchPath: "/usr/bin")
        #expect(failure?.code == "notFound")
        #expect(failure?.isRetryable == false)
        #expect(failure?.message.contains("'mine'") == true)
        #expect(try await self.answer(["sh", "-c", "true"], allowing: [scripts.folder])?.code == "notAllowed")
    }

    @Test("a templated program is checked like any other")
    func templated() async throws {
        let scripts = try Scripts()
        let policy = try ExecPolicy(allowing: [scripts.folder])
        let grant = try makeGrant(.branch(#""/bin/sh""#), ExecArguments(argv: ["{{item}}", "-c", "true"]))
        #expect(await ExecHandler(policy: policy).answer(grant).failure?.code == "notAllowed")
        let nul = try makeGrant(.branch(#""/bin/sh\u0000x""#), ExecArguments(argv: ["{{item}}"]))
        #expect(await ExecHandler(policy: policy).answer(nul).failure?.isRetryable == false)
    }

    @Test("an allowed path that does not exist is refused at the start")
    func missing() {
        let error = #expect(throws: CanoError.self) { try ExecPolicy(allowing: ["/no/such/path"]) }
        #expect(error?.message.contains("/no/such/path") == true)
    }

    @Test("a program keeps the name it was called by")
    func argumentZero() async throws {
        let scripts = try Scripts()
        let arguments = ExecArguments(
            argv: ["awk", "BEGIN { print 7 }"],
            output: OutputRules(format: .text, into: "n")
        )
        let policy = try ExecPolicy(allowing: ["/usr/bin"], searchPath: "/usr/bin")
        let answer = await ExecHandler(policy: policy).answer(try makeGrant(.task("{}"), arguments))
        #expect(answer.context == #"{"n":"7"}"#)
        _ = scripts
    }
}
