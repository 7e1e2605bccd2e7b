// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import CanoWorker
import Testing

@Suite("route")
struct RouteHandlerTests {
    private let rule = RouteRule(pointer: "/n", comparison: .greater, value: .number(JSONNumber(0)), next: "a")

    @Test("a router chooses by the context alone", arguments: [(1, "a"), (0, "b")])
    func router(count: Int, next: String) async throws {
        let input = LeaseGrant.Input.router(context: .json(#"{"n":\#(count)}"#), branches: nil)
        let grant = try makeGrant(input, RouteArguments(route: [self.rule]), next: ["a", "b"])
        #expect(await RouteHandler().answer(grant) == .completed(.route(next: next)))
    }

    @Test("a split takes its items from a place in the context")
    func expand() async throws {
        let input = LeaseGrant.Input.expand(context: .json(#"{"files":["a",{"b":1},2.50]}"#), branches: nil)
        let grant = try makeGrant(input, RouteArguments(over: "/files"))
        let items: [Payload] = [.json(#""a""#), .json(#"{"b":1}"#), .json("2.50")]
        #expect(await RouteHandler().answer(grant) == .completed(.items(items)))
    }

    @Test(
        "what is no list is named",
        arguments: [
            ("/none", "nothing at '/none'"), ("/text", "a string at '/text'"), ("files", "not a JSON pointer"),
        ]
    )
    func noList(place: String, reason: String) async throws {
        let input = LeaseGrant.Input.expand(context: .json(#"{"text":"a"}"#), branches: nil)
        let failure = await RouteHandler().answer(try makeGrant(input, RouteArguments(over: place))).failure
        #expect(failure?.isRetryable == false)
        #expect(failure?.message.contains(reason) == true, "\(failure?.message ?? "")")
    }

    @Test("a context that is not JSON fails by name")
    func notJSON() async throws {
        let input = LeaseGrant.Input.router(context: .json("{oops"), branches: nil)
        let grant = try makeGrant(input, RouteArguments(route: [self.rule]), next: ["a", "b"])
        #expect(await RouteHandler().answer(grant).failure?.code == "invalidInput")
    }

    @Test("a worker has route always, the others only when something is allowed")
    func builtIn() throws {
        var catalogue = WorkCatalogue()
        try catalogue.addBuiltIn(allowingExec: [], allowingHTTP: [])
        #expect(catalogue.builtIn.keys.sorted() == ["route"])
        try catalogue.addBuiltIn(allowingExec: ["/bin"], allowingHTTP: ["http://localhost"])
        #expect(catalogue.builtIn.keys.sorted() == ["exec", "http", "route"])
    }
}
