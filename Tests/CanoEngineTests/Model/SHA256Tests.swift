// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@Suite("SHA-256")
struct SHA256Tests {
    /// Examples of FIPS 180-4 and NIST's test vectors.
    static let vectors: [(String, String)] = [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        (
            "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmno"
                + "ijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
            "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
        ),
        (
            String(repeating: "a", count: 1_000_000),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
        ),
    ]

    @Test("the published examples hash to the published values", arguments: Self.vectors)
    func published(text: String, expected: String) {
        #expect(hexadecimal(SHA256.hash(text.utf8)) == expected)
    }

    @Test("pieces hash like the whole, wherever they are cut")
    func pieces() {
        let bytes = (0..<200).map { UInt8($0) }
        for cut in 0...bytes.count {
            var hash = SHA256()
            hash.update(bytes[..<cut])
            hash.update(bytes[cut...])
            #expect(hash.finalize() == SHA256.hash(bytes), "cut at \(cut)")
        }
    }

    @Test("an input's hash depends on its type and its bytes, and never changes")
    func inputHash() {
        #expect(Payload.inputHash(of: .emptyObject) == -1_825_689_735_277_669_350)
        #expect(Payload.inputHash(of: .json("{}")) != Payload.inputHash(of: .json("{} ")))
        let text = Payload(bytes: Array("{}".utf8), type: .text)
        #expect(Payload.inputHash(of: .json("{}")) != Payload.inputHash(of: text))
    }
}

func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
}
