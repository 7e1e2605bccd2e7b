// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import Testing

@Suite("JSON values")
struct JSONTests {
    @Test(
        "what was read is written as it was, without white space",
        arguments: [
            ("null", "null"), (" true ", "true"), ("[ ]", "[]"), ("{ }", "{}"),
            (#"{"z":1,"a":[1,2,{"b":null}]}"#, #"{"z":1,"a":[1,2,{"b":null}]}"#),
            ("12345678901234567890123", "12345678901234567890123"), ("1.10", "1.10"), ("-0", "-0"), ("1E+2", "1E+2"),
            (#""\u00e9\ud83d\ude00\n\"\\\/""#, #""é😀\n\"\\/""#), (#""\u0001\u001f""#, #""\u0001\u001f""#),
            (#"{"a":1,"b":2,"a":3}"#, #"{"a":3,"b":2}"#),
        ]
    )
    func roundTrip(text: String, written: String) throws {
        #expect(try JSONValue.parse(text).text == written)
    }

    @Test(
        "what is not JSON is refused with the byte",
        arguments: [
            ("", 0), ("nul", 0), ("[1,]", 3), ("{\"a\" 1}", 5), ("{a:1}", 1), ("01", 1), ("1.", 2), ("+1", 0),
            ("\"a", 2),
            ("\"\u{01}\"", 1), (#""\ud83d""#, 7), (#""\x""#, 2), ("1 2", 2), ("[1", 2), ("NaN", 0), ("'a'", 0),
        ]
    )
    func malformed(text: String, offset: Int) {
        let error = #expect(throws: JSONSyntaxError.self) { try JSONValue.parse(text) }
        #expect(error?.offset == offset, "\(text): \(String(describing: error))")
    }

    @Test("bytes that are not UTF-8 are refused")
    func notUTF8() {
        #expect(throws: JSONSyntaxError.self) { try JSONValue.parse([0x22, 0xFF, 0x22]) }
    }

    @Test("nesting has a bound, however long the text is")
    func depth() throws {
        let deep = String(repeating: "[", count: 128) + String(repeating: "]", count: 128)
        #expect(try JSONValue.parse(deep).text == deep)
        let error = #expect(throws: JSONSyntaxError.self) {
            try JSONValue.parse(String(repeating: "[", count: 1_000_000))
        }
        #expect(error?.offset == 128)
    }

    @Test("numbers compare by value, integers exactly")
    func numbers() throws {
        func number(_ text: String) throws -> JSONNumber {
            let value = try JSONValue.parse(text)
            guard case .number(let number) = value else { throw CanoError(.invalidInput, text) }
            return number
        }
        #expect(try number("1").isEqual(to: number("1.0")))
        #expect(try number("100").isEqual(to: number("1e2")))
        #expect(try number("9007199254740992").isLess(than: number("9007199254740993")))
        #expect(try !number("9007199254740993").isEqual(to: number("9007199254740992")))
        #expect(JSONNumber(2.5)?.literal == "2.5")
        #expect(JSONNumber(2.0)?.literal == "2")
        #expect(JSONNumber(Double.infinity) == nil)
    }

    @Test("arguments of a handler survive their stored form")
    func arguments() throws {
        let body = try JSONValue.parse(#"{"a":[1,2.5,"x",null,true],"b":{}}"#)
        let http = HTTPArguments(url: "http://h/{{item}}", body: body, status: ["404": .next("missing"), "5xx": .fail])
        #expect(try HTTPArguments(payload: http.payload()) == http)
        let rule = RouteRule(pointer: "/a", comparison: .greaterOrEqual, value: .number(JSONNumber(3)), next: "b")
        let exec = ExecArguments(
            argv: ["wc", "-w", "{{item}}"],
            output: OutputRules(format: .lines, into: "x", route: [rule], isKept: true),
            exits: [0: .ok, 3: .next("a"), 75: .retry]
        )
        #expect(try ExecArguments(payload: exec.payload()) == exec)
        #expect(try exec.payload() == exec.payload())
        let error = #expect(throws: CanoError.self) { try ExecArguments(payload: .emptyObject) }
        #expect(error?.message.contains("'exec'") == true)
    }
}
