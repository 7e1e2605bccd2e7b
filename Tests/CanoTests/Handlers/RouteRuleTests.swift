// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import Testing

@Suite("Route rules")
struct RouteRuleTests {
    static let context = #"{"n":5,"f":2.5,"s":"m","t":true,"z":null,"l":[1],"o":{"a":1,"b":2}}"#

    @Test(
        "each operator on each kind of value",
        arguments: [
            ("/n", "==", "5", true), ("/n", "==", "5.0", true), ("/n", "==", #""5""#, false), ("/n", "!=", "5", false),
            ("/n", "!=", "6", true), ("/n", "!=", #""5""#, true), ("/n", ">", "4", true), ("/n", ">", "5", false),
            ("/n", ">=", "5", true), ("/n", "<", "5.5", true), ("/n", "<", "5", false), ("/n", "<=", "5", true),
            ("/f", ">", "2", true), ("/s", ">", #""a""#, true), ("/s", "<", #""z""#, true), ("/s", ">=", #""m""#, true),
            ("/s", ">", "1", false), ("/t", "==", "true", true), ("/t", ">", "false", false),
            ("/z", "==", "null", true),
            ("/z", "exists", "true", true), ("/n", "exists", "true", true), ("/n", "exists", "false", false),
            ("/o", "==", #"{"b":2,"a":1}"#, true), ("/l", "==", "[1.0]", true), ("/l", ">=", "[1]", false),
            ("/t", ">=", "true", false), ("/x", "==", "null", false), ("/x", "!=", "1", false), ("/x", "<", "1", false),
            ("/x", "exists", "true", false), ("/x", "exists", "false", true), ("", "exists", "true", true),
        ]
    )
    func operators(pointer: String, comparison: String, value: String, matches: Bool) throws {
        let rule = RouteRule(
            pointer: pointer,
            comparison: try #require(RouteRule.Comparison(rawValue: comparison)),
            value: try JSONValue.parse(value),
            next: "there"
        )
        #expect(rule.matches(try JSONValue.parse(Self.context)) == matches)
    }

    @Test("the first rule that applies wins")
    func first() throws {
        func rule(_ limit: Int64, _ next: String) -> RouteRule {
            RouteRule(pointer: "/n", comparison: .greater, value: .number(JSONNumber(limit)), next: next)
        }
        let context = try JSONValue.parse(Self.context)
        #expect([rule(9, "a"), rule(4, "b"), rule(3, "c")].next(for: context) == "b")
        #expect([rule(9, "a")].next(for: context) == nil)
    }
}
