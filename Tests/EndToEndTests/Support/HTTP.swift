// SPDX-License-Identifier: Apache-2.0 OR MIT

import Foundation

/// A client of HTTP/1.1 that blocks and uses a connection once: all that a scenario needs.
struct HTTP {
    struct Answer {
        var status: Int
        var body: [UInt8]

        var text: String { String(decoding: self.body, as: UTF8.self) }

        func decoded<Value: Decodable>(as type: Value.Type = Value.self) throws -> Value {
            do { return try JSONDecoder().decode(type, from: Data(self.body)) } catch {
                throw Problem("the answer \(self.status) is not a \(type): \(self.text.prefix(300)): \(error)")
            }
        }
    }

    let port: UInt16

    func get(_ path: String) throws -> Answer { try self.ask("GET", path) }

    func post(_ path: String, _ json: String) throws -> Answer {
        try self.ask("POST", path, body: json, ["Content-Type": "application/json"])
    }

    func ask(
        _ method: String,
        _ path: String,
        body: String = "",
        _ headers: [String: String] = [:]
    ) throws -> Answer {
        try Self.read(self.send(method, path, body: body, headers))
    }

    /// Sends a request and does not wait for its answer.
    func send(
        _ method: String,
        _ path: String,
        body: String = "",
        _ headers: [String: String] = [:]
    ) throws -> Connection {
        let connection = try Connection(port: self.port)
        var head = "\(method) \(path) HTTP/1.1\r\nConnection: close\r\nContent-Length: \(body.utf8.count)\r\n"
        if headers["Host"] == nil { head += "Host: 127.0.0.1:\(self.port)\r\n" }
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        try connection.send(Array((head + "\r\n" + body).utf8))
        return connection
    }

    static func read(_ connection: Connection) throws -> Answer {
        let bytes = try connection.receiveAll()
        let end = try require(Self.find("\r\n\r\n", in: bytes[...]), "no HTTP answer: \(bytes.count) bytes")
        let head = String(decoding: bytes[..<end], as: UTF8.self).lowercased()
        let status = head.split(separator: " ").dropFirst().first.flatMap { Int($0) }
        let body = Array(bytes[(end + 4)...])
        return Answer(
            status: try require(status, "no HTTP status: \(head.prefix(100))"),
            body: head.contains("transfer-encoding: chunked") ? try Self.joined(body[...]) : body
        )
    }

    private static func joined(_ chunks: ArraySlice<UInt8>) throws -> [UInt8] {
        var (rest, body) = (chunks, [UInt8]())
        while let end = Self.find("\r\n", in: rest) {
            let size = try require(
                Int(String(decoding: rest[rest.startIndex..<end], as: UTF8.self), radix: 16),
                "no chunk"
            )
            if size == 0 { return body }
            try require(rest.endIndex - end >= size + 4, "the answer was cut off")
            body += rest[(end + 2)..<(end + 2 + size)]
            rest = rest[(end + 4 + size)...]
        }
        throw Problem("the answer was cut off")
    }

    private static func find(_ mark: String, in bytes: ArraySlice<UInt8>) -> Int? {
        let mark = Array(mark.utf8)
        guard bytes.count >= mark.count else { return nil }
        return (bytes.startIndex...(bytes.endIndex - mark.count))
            .first { index in
                bytes[index] == mark[0] && bytes[index..<(index + mark.count)].elementsEqual(mark)
            }
    }
}
