// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// A service that runs beside a scope of resources.
final class RunningService: Sendable {
    private enum Phase: Sendable {
        case running
        case ended((any Error)?)
    }

    private let name: String
    private let phase = Guarded(Phase.running)
    private let handle = CancellationHandle()
    private let ended = Mailbox<Void>()

    init(_ name: String) {
        self.name = name
    }

    func run(_ service: @escaping @Sendable () async throws -> Void) async {
        let error = await self.handle.run { () async -> (any Error)? in
            do { try await service() } catch { return error }
            return nil
        }
        self.end(error)
    }

    func end(_ error: (any Error)?) {
        self.phase.withLock { $0 = .ended(error) }
        self.ended.close()
    }

    /// Cancels the service and waits for its end.
    func stop() async {
        self.handle.cancel()
        while await self.ended.next() != nil {}
    }

    var health: Health {
        switch self.phase.withLock({ $0 }) {
        case .running: .healthy
        case .ended(nil): .unhealthy("the service has ended")
        case .ended(.some(let error)): .unhealthy("the service has failed: \(error)")
        }
    }
}
