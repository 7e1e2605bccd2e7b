// SPDX-License-Identifier: Apache-2.0 OR MIT

import Testing

/// A piece of text that breaks exactly one rule, and the same piece mended.
struct Sample: Sendable, CustomTestStringConvertible {
    var rule: Violation.Rule
    var path = "Sources/CanoEngine/Run/Sample.swift"
    var bad: String
    var good: String
    /// Where the mended piece stands, when its place was what was wrong.
    var goodPath: String?

    var testDescription: String { "\(self.rule.rawValue) in \(self.path)" }

    static let head = "// SPDX-License-Identifier: Apache-2.0 OR MIT\n\n"

    static func code(
        _ rule: Violation.Rule,
        path: String = "Sources/CanoEngine/Run/Sample.swift",
        bad: String,
        good: String,
        goodPath: String? = nil
    ) -> Sample {
        let (bad, good) = (Self.head + bad + "\nstruct Sample {}\n", Self.head + good + "\nstruct Sample {}\n")
        return Sample(rule: rule, path: path, bad: bad, good: good, goodPath: goodPath)
    }
}

@Suite("House rules")
struct RuleTests {
    static let long = String(repeating: "    work()\n", count: 69)
    static let home = "/" + "home/"
    static let putOff = "TO" + "DO"

    static let sizes: [Sample] = [
        .code(
            .lineLength,
            bad: "let a = \"" + String(repeating: "é", count: 111) + "\"",
            good: "let a = \"" + String(repeating: "é", count: 110) + "\""
        ),
        .code(
            .fileLength,
            bad: String(repeating: "\n", count: 397),
            good: String(repeating: "\n", count: 396)
        ),
        .code(
            .fileLength,
            path: "Sources/cano-worker/Sample.swift",
            bad: String(repeating: "\n", count: 97),
            good: String(repeating: "\n", count: 96)
        ),
        .code(
            .functionLength,
            bad: "func f() {\n" + Self.long + "}",
            good: "func f() {\n" + Self.long.dropLast(11) + "}"
        ),
        .code(.functionLength, bad: "init(\na: Int\n) {\n" + Self.long.dropLast(11) + "}", good: "let a = A.init"),
        .code(
            .functionLength,
            bad: "var a: Int {\n" + Self.long + "}",
            good: "protocol P { func f() }\nenum E {\n" + Self.long + "}"
        ),
        .code(
            .functionLength,
            bad: "func f() {\nlet s = \"}\" // }\n" + Self.long + "}",
            good: "func f() {\nlet s = \"{\"\n}\n" + Self.long
        ),
    ]

    static let names: [Sample] = [
        Sample(rule: .fileName, bad: Sample.head + "struct Other {}", good: Sample.head + "enum Sample {}"),
        Sample(
            rule: .fileName,
            path: "Sources/CanoEngine/Run/Run+Split.swift",
            bad: Sample.head + "extension Split {}",
            good: Sample.head + "extension Run.Inner {}"
        ),
        Sample(rule: .fileName, bad: Sample.head + "// struct Sample", good: Sample.head + "func sample() {}"),
        Sample(rule: .licence, bad: "struct Sample {}", good: Sample.head + "struct Sample {}"),
        Sample(
            rule: .licence,
            path: "scripts/tool",
            bad: "#!/usr/bin/env bash\n",
            good: "#!/usr/bin/env bash\n# SPDX-License-Identifier: Apache-2.0 OR MIT\n"
        ),
        Sample(
            rule: .licence,
            path: "Sources/CanoPostgres/001.sql",
            bad: "SELECT 1",
            good: "-- SPDX-License-Identifier: Apache-2.0 OR MIT\nSELECT 1"
        ),
        .code(.postponed, bad: "// \(Self.putOff): later", good: "// \(Self.putOff)(#12): later"),
        Sample(rule: .machinePath, path: "docs/page.md", bad: "see \(Self.home)me/cano", good: "see $HOME/me/cano"),
        Sample(
            rule: .machinePath,
            path: "docs/page.md",
            bad: "`" + "/" + "work/cano`",
            good: "https://example.org/" + "work/cano and Sources/" + "work/cano"
        ),
    ]

    static let boundaries: [Sample] = [
        .code(.boundary, bad: "import Foundation", good: "import Collections"),
        .code(.boundary, bad: "public import Dispatch", good: "internal import struct Collections.Deque"),
        .code(.boundary, bad: "import Glibc", good: "// import Glibc"),
        .code(
            .boundary,
            path: "Sources/Cano/Sample.swift",
            bad: "import CanoProtocol",
            good: "package import CanoEngine"
        ),
        .code(
            .boundary,
            path: "Sources/CanoCoordinator/Sample.swift",
            bad: "import CanoWorker",
            good: "import Cano"
        ),
        .code(.boundary, path: "Sources/Attic/Sample.swift", bad: "", good: "", goodPath: "Sources/Cano/Sample.swift"),
        .code(.purity, bad: "func f() async {}", good: "let s = \"async\""),
        .code(.purity, bad: "actor A {}", good: "f(actor: actor)"),
        .code(.purity, bad: "let d = Date()", good: "let d: DateLike"),
        .code(.purity, bad: "let d = \"\\(UUID())\"", good: "let d = \"UUID()\""),
        .code(.purity, bad: "let n = Int.random(in: 1...2)", good: "let n = Int.random(in: 1...2, using: &source)"),
        .code(.purity, bad: "let c: any Clock", good: "let c: VirtualClock"),
        .code(
            .purity,
            path: "Sources/CanoSimulation/Sample.swift",
            bad: "let c = ContinuousClock()",
            good: "func f() async {}"
        ),
        .code(.testFramework, path: "Tests/ATests/Sample.swift", bad: "import XCTest", good: "import Testing"),
    ]

    static let safety: [Sample] = [
        .code(.crash, bad: "let a = try! f()", good: "let a = try !f()"),
        .code(.crash, bad: "let a = b as! C", good: "let a = b as? C"),
        .code(.crash, bad: "Task.detached { f() }", good: "group.addTask { f() }"),
        .code(.crash, bad: "let a = Mutex(1)", good: "let a = Guarded(1)"),
        .code(.unstructured, bad: "Task { f() }", good: "// Unstructured: it outlives its caller.\nTask { f() }"),
        .code(.unstructured, bad: "let t = Task { f() }", good: "struct Task { var a = 1 }"),
        .code(
            .uncheckedSendable,
            bad: "final class A: @unchecked Sendable {}",
            good: "// @unchecked: never changes.\nfinal class A: @unchecked Sendable {}"
        ),
    ]

    @Test("each rule sees what breaks it and passes what does not", arguments: sizes + names + boundaries + safety)
    func rule(sample: Sample) {
        #expect(Self.check(sample.path, sample.bad).map(\.rule) == [sample.rule])
        #expect(Self.check(sample.goodPath ?? sample.path, sample.good).isEmpty)
    }

    @Test("generated files are left alone")
    func generated() {
        let path = "Sources/CanoProtocol/Generated/cano.pb.swift"
        #expect(Self.check(path, "import XCTest\nlet a = try! f()\n").isEmpty)
    }

    @Test("a name that says nothing is refused", arguments: ["Sources/Cano/Utils/A.swift", "Tests/RunHelpers.swift"])
    func emptyName(path: String) {
        #expect(FileRules.folderName(path).map(\.rule) == [.folderName])
        #expect(FileRules.folderName("Sources/CanoEngine/Run/Run.swift").isEmpty)
    }

    @Test("a limit that the page does not have, or has with another default, is named")
    func limitsPage() {
        let source = "    /// How many (default: 1,000).\n    public var rows = 1000\n"
        #expect(PageRules.limits(source: source, page: "| `rows` | 1,000 |", pagePath: "p").isEmpty)
        #expect(PageRules.limits(source: source, page: "| `rows` | 500 |", pagePath: "p").map(\.rule) == [.limitsPage])
        #expect(PageRules.limits(source: source, page: "", pagePath: "p").count == 1)
    }

    @Test("relative links are found, others are not")
    func links() {
        let found = PageRules.links(in: "[a](b.md#c)\n[d](https://e.org) [f](../g)\n[h](#i)")
        #expect(found.map(\.target) == ["b.md", "../g"])
        #expect(found.map(\.line) == [1, 2])
        #expect(PageRules.mentions(in: "see `docs/a.md`, `a/b` and\n`Sources/…`").map(\.target) == ["docs/a.md"])
    }

    private static func check(_ path: String, _ text: String) -> [Violation] {
        FileRules.check(path: path, text: text)
            + (path.hasSuffix(".swift") ? SourceRules.check(path: path, text: text) : [])
    }
}
