// SPDX-License-Identifier: Apache-2.0 OR MIT

import Foundation

/// A coordinator process and its addresses.
///
/// It keeps its addresses over restarts, so that workers find it again.
final class Coordinator {
    let name: String
    let store: String
    private let options: [String]
    private let scratch: Scratch
    private(set) var process: Child
    private(set) var workers = "127.0.0.1:0"
    private(set) var http = HTTP(port: 0)

    init(_ store: String, _ options: [String] = [], name: String = "coordinator", in scratch: Scratch) throws {
        self.name = name
        self.store = store
        self.options = options
        self.scratch = scratch
        self.process = try Self.spawn(store, "127.0.0.1:0", "127.0.0.1:0", options, name, scratch)
        try self.learnAddresses()
    }

    private static func spawn(
        _ store: String,
        _ listen: String,
        _ http: String,
        _ options: [String],
        _ name: String,
        _ scratch: Scratch
    ) throws -> Child {
        let arguments = ["--store", store, "--listen", listen, "--http", http] + options
        return try Child(Programs.path(of: Programs.coordinator), arguments, name: name, in: scratch)
    }

    /// Starts it again on the same addresses, when it has ended.
    func restart() throws {
        try require(!self.process.isRunning, "\(self.name) still runs")
        let http = "127.0.0.1:\(self.http.port)"
        self.process = try Self.spawn(self.store, self.workers, http, self.options, self.name, self.scratch)
        try self.learnAddresses()
    }

    private func learnAddresses() throws {
        let process = self.process
        try wait(for: "\(self.name) to listen") {
            try require(process.isRunning, "\(self.name) ended: \(text(of: process.errors).suffix(500))")
            return text(of: process.output).contains("\n")
        }
        let words = text(of: process.output).split(whereSeparator: \.isWhitespace)
        let workers = words.first { $0.hasPrefix("workers=") }.map { String($0.dropFirst(8)) }
        self.workers = try require(workers, "\(self.name) names no port for workers")
        let port = words.first { $0.hasPrefix("http=") }?.split(separator: ":").last.flatMap { UInt16($0) }
        self.http = HTTP(port: try require(port, "\(self.name) names no port for HTTP"))
    }

    /// Waits until it owns all shards.
    func waitUntilReady() throws {
        try wait(for: "\(self.name) to own all shards") {
            try require(self.process.isRunning, "\(self.name) ended: \(text(of: self.process.errors).suffix(500))")
            return try self.shards() == 64
        }
    }

    /// How many shards it owns; `nil` when it says that it cannot serve.
    func shards() throws -> Int? {
        struct Body: Decodable { var shards: Int }
        let answer = try self.http.get("/readyz")
        return answer.status == 200 ? try answer.decoded(as: Body.self).shards : nil
    }

    var log: String { text(of: self.process.errors) }

    func expectAlive() throws {
        try require(self.process.isRunning, "\(self.name) ended: \(self.log.suffix(500))")
        try require(self.http.get("/healthz").status == 200, "\(self.name) is not healthy")
    }
}
