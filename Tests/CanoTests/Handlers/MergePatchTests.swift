// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import Testing

@Suite("Merge patch (RFC 7396)")
struct MergePatchTests {
    @Test(
        "the vectors of the RFC's appendix",
        arguments: [
            (#"{"a":"b"}"#, #"{"a":"c"}"#, #"{"a":"c"}"#),
            (#"{"a":"b"}"#, #"{"b":"c"}"#, #"{"a":"b","b":"c"}"#),
            (#"{"a":"b"}"#, #"{"a":null}"#, #"{}"#),
            (#"{"a":"b","b":"c"}"#, #"{"a":null}"#, #"{"b":"c"}"#),
            (#"{"a":["b"]}"#, #"{"a":"c"}"#, #"{"a":"c"}"#),
            (#"{"a":"c"}"#, #"{"a":["b"]}"#, #"{"a":["b"]}"#),
            (#"{"a":{"b":"c"}}"#, #"{"a":{"b":"d","c":null}}"#, #"{"a":{"b":"d"}}"#),
            (#"{"a":[{"b":"c"}]}"#, #"{"a":[1]}"#, #"{"a":[1]}"#),
            (#"["a","b"]"#, #"["c","d"]"#, #"["c","d"]"#),
            (#"{"a":"b"}"#, #"["c"]"#, #"["c"]"#),
            (#"{"a":"foo"}"#, "null", "null"),
            (#"{"a":"foo"}"#, #""bar""#, #""bar""#),
            (#"{"e":null}"#, #"{"a":1}"#, #"{"e":null,"a":1}"#),
            (#"[1,2]"#, #"{"a":"b","c":null}"#, #"{"a":"b"}"#),
            (#"{}"#, #"{"a":{"bb":{"ccc":null}}}"#, #"{"a":{"bb":{}}}"#),
        ]
    )
    func appendix(original: String, patch: String, result: String) throws {
        var value = try JSONValue.parse(original)
        value.merge(try JSONValue.parse(patch))
        #expect(value.text == result)
    }

    @Test("members keep their places and untouched numbers their digits")
    func order() throws {
        var value = try JSONValue.parse(#"{"z":1.10,"m":12345678901234567890,"a":{"y":1,"x":2}}"#)
        value.merge(try JSONValue.parse(#"{"a":{"y":3,"w":4},"z":1.10}"#))
        #expect(value.text == #"{"z":1.10,"m":12345678901234567890,"a":{"y":3,"x":2,"w":4}}"#)
    }
}
