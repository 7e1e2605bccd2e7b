// SPDX-License-Identifier: Apache-2.0 OR MIT

import Foundation

/// A blocking TCP connection to loopback.
final class Connection {
    private let descriptor: Int32

    /// Connects; reads and writes give up after `seconds`.
    init(port: UInt16, seconds: Int = 60) throws {
        #if canImport(Darwin)
            let kind = SOCK_STREAM
        #else
            let kind = Int32(SOCK_STREAM.rawValue)
        #endif
        self.descriptor = socket(AF_INET, kind, 0)
        try require(self.descriptor >= 0, "no socket")
        var patience = timeval(tv_sec: seconds, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(self.descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, size)
        setsockopt(self.descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, size)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(self.descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try require(result == 0, "no connection to port \(port): \(String(cString: strerror(errno)))")
    }

    deinit { close(self.descriptor) }

    func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let sent = rest.withUnsafeBytes { sendto(self.descriptor, $0.baseAddress, $0.count, noSignal, nil, 0) }
            try require(sent > 0, "nothing could be sent: \(String(cString: strerror(errno)))")
            rest = rest.dropFirst(sent)
        }
    }

    /// What came until the other side closed; a reset ends it as well.
    func receiveAll() throws -> [UInt8] {
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = buffer.withUnsafeMutableBytes { recv(self.descriptor, $0.baseAddress, $0.count, 0) }
            if count == 0 || (count < 0 && errno == ECONNRESET) { return all }
            try require(count > 0, "no answer: \(String(cString: strerror(errno)))")
            all += buffer[..<count]
        }
    }
}

#if canImport(Darwin)
    private let noSignal: Int32 = 0
#else
    private let noSignal = Int32(MSG_NOSIGNAL)
#endif
