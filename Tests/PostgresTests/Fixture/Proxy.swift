// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Dispatch
import Foundation

/// Stands between a store and its server, and can swallow what the server answers.
///
/// Each direction of each connection has a thread of its own: sockets are blocking, and the store must not notice.
final class Proxy: Sendable {
    private struct State {
        var losing = false
        var lending = false
        var isStopped = false
        var sockets: [Int32] = []
    }

    /// The server's URI with the proxy's port in it.
    let uri: String
    private let listener: Int32
    private let target: UInt16
    private let state = Guarded(State())

    init(to uri: String) throws {
        guard var parts = URLComponents(string: uri), let port = parts.port.flatMap(UInt16.init(exactly:)) else {
            throw Failure("a URI with a port is needed")
        }
        self.target = port
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = Self.loopback(port: 0)
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard bound == 0, listen(listener, 64) == 0 else { throw Failure("the proxy cannot listen") }
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(listener, $0, &size) }
        }
        parts.port = Int(UInt16(bigEndian: address.sin_port))
        self.uri = parts.string ?? uri
        self.listener = listener
        Thread.detachNewThread { self.accept() }
    }

    /// From now on what the server answers is swallowed, and the connection is cut when it does.
    func loseAnswers() { self.state.withLock { $0.losing = true } }
    /// From now on everything passes again.
    func passAnswers() { self.state.withLock { $0.losing = false } }

    /// New connections get a made-up process id, as from a pooler that has no session for them yet.
    func actLikePooler() { self.state.withLock { $0.lending = true } }

    func stop() {
        let sockets = self.state.withLock { state in
            state.isStopped = true
            return state.sockets
        }
        shutdown(self.listener, Int32(SHUT_RDWR))
        close(self.listener)
        for socket in sockets { shutdown(socket, Int32(SHUT_RDWR)) }
    }

    private func accept() {
        while true {
            let client = Foundation.accept(self.listener, nil, nil)
            guard client >= 0 else { return }
            let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var address = Self.loopback(port: self.target)
            let connected = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            guard connected == 0 else {
                close(client)
                close(server)
                continue
            }
            self.state.withLock { $0.sockets += [client, server] }
            Thread.detachNewThread { self.pump(from: client, to: server, isAnswer: false) }
            Thread.detachNewThread { self.pump(from: server, to: client, isAnswer: true) }
        }
    }

    private func pump(from source: Int32, to sink: Int32, isAnswer: Bool) {
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = recv(source, &buffer, buffer.count, 0)
            if count <= 0 || (isAnswer && self.state.withLock { $0.losing }) { break }
            if isAnswer && self.state.withLock({ $0.lending }) { Self.makeUpProcess(in: &buffer, count) }
            var sent = 0
            while sent < count {
                let step = buffer.withUnsafeBytes { bytes in
                    send(sink, bytes.baseAddress.map { $0 + sent }, count - sent, Int32(MSG_NOSIGNAL))
                }
                if step <= 0 { break }
                sent += step
            }
        }
        shutdown(source, Int32(SHUT_RDWR))
        shutdown(sink, Int32(SHUT_RDWR))
    }

    /// Changes the process id in the message with which a session begins.
    private static func makeUpProcess(in buffer: inout [UInt8], _ count: Int) {
        let head: [UInt8] = [UInt8(ascii: "K"), 0, 0, 0, 12]
        guard let place = (0..<max(0, count - 12)).first(where: { buffer[$0..<$0 + 5].elementsEqual(head) }) else {
            return
        }
        buffer[place + 5] ^= 0x55
    }

    private static func loopback(port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        return address
    }
}
