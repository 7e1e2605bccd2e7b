// SPDX-License-Identifier: Apache-2.0 OR MIT

package import Logging
import ServiceLifecycle
import UnixSignals

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A coordinator as a process: signals in, one line about its addresses out.
package enum CoordinatorProcess {
    /// Runs until SIGTERM or SIGINT; the second signal cuts it short.
    package static func run(_ coordinator: Coordinator, logger: Logger) async throws {
        var configuration = ServiceGroupConfiguration(
            services: [.init(service: coordinator)],
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger
        )
        configuration.maximumGracefulShutdownDuration = .seconds(10)
        let group = ServiceGroup(configuration: configuration)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                guard let addresses = await coordinator.boundAddresses() else { return }
                // Scripts read this line to learn the ports that the system chose.
                Self.say("listening workers=\(addresses.workers) http=\(addresses.http)")
            }
            try await group.run()
            tasks.cancelAll()
        }
    }

    /// Writes a line to standard output at once, also when it is a file or a pipe.
    package static func say(_ line: String) {
        Self.write(line, to: STDOUT_FILENO)
    }

    /// Writes a line to standard error.
    package static func complain(_ line: String) {
        Self.write(line, to: STDERR_FILENO)
    }

    private static func write(_ line: String, to descriptor: Int32) {
        var bytes = Array((line + "\n").utf8)[...]
        while !bytes.isEmpty {
            let written = bytes.withUnsafeBytes { unistdWrite(descriptor, $0.baseAddress, $0.count) }
            guard written > 0 else { return }
            bytes = bytes.dropFirst(written)
        }
    }
}

private func unistdWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
