// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine
import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// How a worker runs.
public struct WorkerConfiguration: Sendable {
    /// Where the coordinators listen, each as `host:port` (default: `127.0.0.1:7227`).
    public var coordinators = ["127.0.0.1:7227"]
    /// How many attempts run at once (default: four for each core).
    public var slots = System.coreCount * 4
    /// The worker's name in timelines, unlike that of any other worker (default: host name and process id).
    public var name = Self.defaultName
    /// The shared secret of the coordinators; empty for none (default).
    public var secret = ""
    /// How long a worker that is asked to stop may take to finish what it runs (default: 30 s).
    public var drainTimeout = Span.seconds(30)
    /// The version of the program, for people.
    public var build = "cano-worker"
    /// The bounds of frames and payloads.
    public var limits = Limits()

    /// The defaults.
    public init() {}

    /// The defaults, adjusted.
    public init(_ adjust: (inout Self) -> Void) {
        self.init()
        adjust(&self)
    }

    private static var defaultName: String {
        var name = [CChar](repeating: 0, count: 256)
        let host = gethostname(&name, name.count - 1) == 0 ? name.prefix { $0 != 0 } : []
        let text = String(decoding: host.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return "\(text.isEmpty ? "worker" : String(text.prefix(64)))-\(getpid())"
    }

    func validate() throws(CanoError) {
        guard !self.coordinators.isEmpty else {
            throw CanoError(.invalidInput, "a worker needs a coordinator; give at least one as host:port")
        }
        for text in self.coordinators { _ = try CoordinatorAddress(text) }
        guard (1...self.limits.leasesPerWorker).contains(self.slots) else {
            throw CanoError(.invalidInput, "\(self.slots) slots; choose 1 to \(self.limits.leasesPerWorker)")
        }
        guard (1...128).contains(self.name.count) else {
            throw CanoError(.invalidInput, "the worker's name has \(self.name.count) characters; choose 1 to 128")
        }
    }
}

/// Where a coordinator listens.
struct CoordinatorAddress: Hashable, Sendable {
    var host: String
    var port: Int
    /// As it was written.
    let text: String

    /// Reads `host:port`; an IPv6 address stands between brackets.
    init(_ text: String) throws(CanoError) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port > 0 else {
            throw CanoError(.invalidInput, "'\(text)' is no coordinator; write host:port, such as 127.0.0.1:7227")
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty else {
            throw CanoError(.invalidInput, "'\(text)' names no host; write host:port, such as 127.0.0.1:7227")
        }
        self.host = String(host)
        self.port = Int(port)
        self.text = text
    }
}
