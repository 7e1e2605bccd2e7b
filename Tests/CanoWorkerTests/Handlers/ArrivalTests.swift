// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import CanoWorker
import Testing

@Suite("What a wait or a child hands to built-in handlers")
struct ArrivalTests {
    private static func grant(_ arrival: Arrival, _ rule: RouteRule) throws -> LeaseGrant {
        let input = LeaseGrant.Input.router(context: .json(#"{"n":1}"#), branches: nil)
        var grant = try makeGrant(input, RouteArguments(route: [rule]), next: ["a", "b"])
        grant.arrival = arrival
        return grant
    }

    @Test("a router asks about the signal", arguments: [("true", "a"), ("false", "b")])
    func signal(approved: String, next: String) async throws {
        let signal = RunSignal(name: "approval", payload: .json(#"{"approved":\#(approved)}"#))
        let rule = RouteRule(pointer: "/signal/approved", comparison: .equal, value: .bool(true), next: "a")
        let grant = try Self.grant(.signal(signal), rule)
        #expect(await RouteHandler().answer(grant) == .completed(.route(next: next)))
    }

    @Test("a router asks how the child ended")
    func child() async throws {
        let run = RunID(high: 1, low: 2)
        let failure = Failure(code: "exit", message: "no \"money\"", isRetryable: false)
        let result = ChildResult(run: run, outcome: .failed(failure), context: .json(#"{"sum":3}"#))
        for (pointer, value) in [("/child/status", "failed"), ("/child/code", "exit"), ("/child/run", "\(run)")] {
            let rule = RouteRule(pointer: pointer, comparison: .equal, value: .string(value), next: "a")
            let grant = try Self.grant(.child(result), rule)
            #expect(await RouteHandler().answer(grant) == .completed(.route(next: "a")), "\(pointer)")
        }
    }

    @Test("the context of a child is picked from the context", arguments: [("/order", #"{"sum":3}"#), ("", "")])
    func pick(place: String, expected: String) async throws {
        let context = #"{"order":{"sum":3}}"#
        let input = LeaseGrant.Input.expand(context: .json(context), branches: nil)
        let grant = try makeGrant(input, RouteArguments(pick: place))
        let picked = Payload.json(expected.isEmpty ? context : expected)
        #expect(await RouteHandler().answer(grant) == .completed(.items([picked])))
    }
}
