// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import Testing

@Suite("JSON pointer (RFC 6901)")
struct JSONPointerTests {
    static let document =
        #"{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8}"#

    @Test(
        "the vectors of section 5",
        arguments: [
            ("", document), ("/foo", #"["bar","baz"]"#), ("/foo/0", #""bar""#), ("/", "0"), ("/a~1b", "1"),
            ("/c%d", "2"),
            ("/e^f", "3"), ("/g|h", "4"), (#"/i\j"#, "5"), (#"/k"l"#, "6"), ("/ ", "7"), ("/m~0n", "8"),
        ]
    )
    func vectors(pointer: String, value: String) throws {
        let document = try JSONValue.parse(Self.document)
        let pointer = try #require(JSONPointer(pointer))
        #expect(document.value(at: pointer)?.text == value)
    }

    @Test(
        "a place that is not there has no value",
        arguments: [
            "/foo/2", "/foo/-", "/foo/00", "/foo/01", "/foo/+1", "/foo/-1", "/foo/bar", "/bar", "/foo/0/x", "/foo/",
        ]
    )
    func missing(pointer: String) throws {
        let document = try JSONValue.parse(Self.document)
        #expect(document.value(at: try #require(JSONPointer(pointer))) == nil)
    }

    @Test("what is not a pointer is refused", arguments: ["foo", "a/b", "/~", "/~2", "/a~", "#/foo"])
    func malformed(pointer: String) {
        #expect(JSONPointer(pointer) == nil)
    }

    @Test("~01 is ~1, not /")
    func order() {
        #expect(JSONPointer("/~01")?.names == ["~1"])
    }
}
