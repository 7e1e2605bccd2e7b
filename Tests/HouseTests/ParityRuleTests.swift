// SPDX-License-Identifier: Apache-2.0 OR MIT

import Testing

@Suite("Rules of the parity page")
struct ParityRuleTests {
    static let families = ["F-A": 2, "T-B": 1]

    static func check(_ page: String) -> [String] {
        let rules = ParityRules(path: "docs/parity.md", tests: ["JoinTests.early"], families: Self.families)
        return rules.check(page).map(\.message)
    }

    static let good = """
        | item | here | how | tests |
        |---|---|---|---|
        | F-A-01 | same | as there | `JoinTests.early` |
        | F-A-02 | none | Rust's macros | – |
        | T-B-01 | better | stops early | `JoinTests.early` |
        """

    @Test("a page with a verdict for every item and tests that exist is right")
    func right() {
        #expect(Self.check(Self.good).isEmpty)
    }

    @Test(
        "what is wrong is named",
        arguments: [
            (
                "`JoinTests.early` |\n| F-A-02", "`JoinTests.late` |\n| F-A-02",
                "F-A-01: there is no test JoinTests.late"
            ),
            ("| T-B-01 |", "| T-B-07 |", "there is no item T-B-07"),
            ("| T-B-01 |", "| F-A-01 |", "F-A-01 stands here twice"),
            ("| none |", "| perhaps |", "F-A-02: 'perhaps' is no verdict"),
            ("| none |", "| same |", "F-A-02 names no test"),
            ("| none |", "| left out |", "1 of 3 items are left out"),
            ("Rust's macros", "", "F-A-02 does not say how"),
            ("| F-A-01 | same | as there | `JoinTests.early` |", "", "F-A-01 is missing"),
        ]
    )
    func wrong(part: String, replacement: String, complaint: String) {
        let problems = Self.check(Self.good.replacing(part, with: replacement))
        #expect(problems.contains { $0.hasPrefix(complaint) }, "\(problems)")
    }

    @Test("a test is a function with the attribute, named by the innermost type around it")
    func names() {
        let source = """
            @Suite("Joins")
            struct JoinTests {
                struct Item {
                    enum Kind { case one }
                }
                @Test("an early answer")
                func early() {}
                func helper() {}
                @Test(
                    "more",
                    arguments: [1]
                )
                func more(number: Int) {}
            }
            extension EndToEnd {
                struct KillTests {
                    @Test("a kill")
                    func kill() {}
                }
            }
            """
        #expect(ParityRules.tests(in: source) == ["JoinTests.early", "JoinTests.more", "KillTests.kill"])
    }
}
