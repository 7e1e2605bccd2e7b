// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@testable import Cano

@Suite("JSON at the HTTP edge")
struct JSONTextTests {
    private static func members(_ text: String) throws -> JSONMembers {
        try JSONMembers(JSONText(Array(text.utf8), subject: "it"), subject: "it")
    }

    @Test(
        "what is JSON is taken",
        arguments: [
            "0", "-0", "-1.5e+10", "1E9", #""""#, #""\u0041\n\"\\\/""#, "true", "false", "null", "[]", "{}",
            " [1 , 2]\n",
            #"{"a":{"b":[{"c":null}]},"é":"ü"}"#,
        ]
    )
    func valid(text: String) {
        #expect(JSONText.isValid(Array(text.utf8)))
    }

    @Test(
        "what is not JSON is refused",
        arguments: [
            "", " ", "nul", "tru", "01", "1.", ".5", "+1", "1e", "-", "'a'", #""a"#, "\"a\nb\"", #""\x""#, #""\u12g4""#,
            "[1,]", "[1 2]", "[", "{", "{}}", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, #"{a:1}"#, "1 2", "NaN",
        ]
    )
    func invalid(text: String) {
        #expect(!JSONText.isValid(Array(text.utf8)))
    }

    @Test("bytes that are not UTF-8 are refused")
    func notUTF8() {
        #expect(!JSONText.isValid([0x22, 0xFF, 0x22]))
    }

    @Test("nesting has a bound, so no text can exhaust the stack")
    func depth() {
        let deepest = String(repeating: "[", count: 128) + String(repeating: "]", count: 128)
        #expect(JSONText.isValid(Array(deepest.utf8)))
        #expect(!JSONText.isValid(Array("[\(deepest)]".utf8)))
        #expect(!JSONText.isValid(Array(String(repeating: "[", count: 1_000_000).utf8)))
    }

    @Test("a fault is named with line and column")
    func place() {
        #expect {
            _ = try JSONText(Array("{\n  \"a\": oops\n}".utf8), subject: "the body")
        } throws: { error in
            (error as? CanoError)?.message == "the body is not JSON: a value was expected at line 2, column 8"
        }
    }

    @Test("strings are unescaped, surrogate pairs joined, half ones refused")
    func strings() throws {
        let members = try Self.members(#"{"a":"x\u00e9\ud83d\ude00\n\/y","\u0063":"plain"}"#)
        #expect(try members.string("a") == "xé😀\n/y")
        for half in [#""\ud83d!""#, #""\ude00""#, #""\ud83d\u0041""#] {
            #expect(!JSONText.isValid(Array(half.utf8)), "\(half)")
        }
        #expect(try members.string("c") == "plain")
    }

    @Test("an absent or null member is nil, one of the wrong type an error that names it")
    func types() throws {
        let members = try Self.members(#"{"a":1,"b":null,"c":"x","d":1.5,"e":99999999999999999999}"#)
        #expect(try members.integer("a") == 1)
        #expect(try members.integer("b") == nil)
        #expect(try members.integer("z") == nil)
        for name in ["c", "d", "e"] {
            #expect {
                _ = try members.integer(name)
            } throws: { error in
                (error as? CanoError)?.message == "'\(name)' in it must be a whole number"
            }
        }
    }

    @Test(
        "what the writer wrote is valid and reads back the same",
        arguments: ["", "a\"b\\c", "\u{0}\u{1F}\u{7F}\t\r\n", "é😀"]
    )
    func roundTrip(text: String) throws {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("empty", [])
            writer.member("flag", false)
            writer.member("list", [text, text])
            writer.name("nested")
            writer.object { $0.member("n", Int.min) }
            writer.member("text", text)
        }
        let members = try JSONMembers(JSONText(writer.bytes, subject: "it"), subject: "it")
        #expect(try members.string("text") == text)
        #expect(try members.strings("list") == [text, text])
        #expect(try members.strings("empty") == [])
        #expect(try members.bool("flag") == false)
        #expect(try members.object("nested").integer("n") == Int.min)
    }

    @Test("a payload that only claims to be JSON cannot break the document around it")
    func lyingPayload() throws {
        var writer = JSONWriter()
        writer.array { writer in
            writer.payload(.json(#"{"a":1}"#))
            writer.payload(.json("}oops"))
            writer.payload(Payload(bytes: Array("te\"xt".utf8), type: .text))
            writer.payload(Payload(bytes: [0xFF, 0x01], type: .binary))
        }
        #expect(String(decoding: writer.bytes, as: UTF8.self) == #"[{"a":1},"7d6f6f7073","te\"xt","ff01"]"#)
    }

    @Test("the members of every body are sorted, so that equal answers have equal bytes")
    func sorted() throws {
        let run = RunID(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0001)
        let at = Instant(microseconds: 1_000)
        var row = HistoryRow(run: run, seq: 1, kind: .attemptLost, at: at)
        (row.state, row.visit, row.path, row.attempt, row.worker) = ("s", 1, "step", 1, "w")
        (row.startedAt, row.due, row.reason, row.detail) = (at, at, "r", "d")
        row.token = Token(epoch: Epoch(rawValue: 1), counter: 1)
        var summary = RunSummary(
            run: run,
            definition: DefinitionKey(name: "w", version: 1),
            key: "k",
            status: .failed,
            startedAt: at
        )
        (summary.finishedAt, summary.wakeAt, summary.note) = (at, at, "n")
        let view = RunView(summary, position: RunPosition(state: "s", visit: 1, context: .emptyObject))
        let lease = LiveLease(
            lease: LeaseRef(
                key: WorkKey(run: run, visit: 1, path: .step),
                attempt: 1,
                token: Token(epoch: Epoch(rawValue: 1), counter: 1)
            ),
            state: "s",
            worker: WorkerID(rawValue: "w"),
            since: at
        )
        let detail = RunDetail(run: view, timeline: [TimelineEntry(row)], next: 1, leases: [LeaseView(lease)])
        var writer = JSONWriter()
        detail.write(to: &writer)
        let text = try JSONText(writer.bytes, subject: "it")
        try Self.checkSorted(text)
        #expect(try RunDetail(JSONMembers(text, subject: "it")) == detail)
    }

    private static func checkSorted(_ text: JSONText) throws {
        if let members = text.members {
            let names = members.map(\.name)
            #expect(names == names.sorted())
            for member in members { try Self.checkSorted(member.value) }
        }
        for element in text.elements ?? [] { try Self.checkSorted(element) }
    }
}
