// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import CanoProtocol
import NIOCore

/// Keeps asking for work from one coordinator: connects when told to, and hands on what arrives.
struct Connector: Sendable {
    let link: WorkerMachine.Link
    let address: CoordinatorAddress
    let limits: Limits
    let mailbox: Mailbox
    private let requests: AsyncStream<Int64>
    private let requesting: AsyncStream<Int64>.Continuation

    init(link: WorkerMachine.Link, address: CoordinatorAddress, limits: Limits, mailbox: Mailbox) {
        self.link = link
        self.address = address
        self.limits = limits
        self.mailbox = mailbox
        // The machine asks again only when it has heard of the end of the connection before.
        (self.requests, self.requesting) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Asks for a connection after so many milliseconds.
    func connect(after pause: Int64) {
        self.requesting.yield(pause)
    }

    /// No further connection is wanted.
    func leave() {
        self.requesting.finish()
    }

    /// Runs until ``leave()`` is called or the task is cancelled.
    func run() async {
        var client = FrameClient<CoordinatorFrame, WorkerFrame>()
        client.limits = self.limits
        for await pause in self.requests {
            let reason: String
            do {
                if pause > 0 { try await Task.sleep(for: .milliseconds(pause)) }
                try await client.connect(host: self.address.host, port: self.address.port) { connection in
                    self.mailbox.put(.opened(self.link, connection))
                    for try await frames in connection.inbound {
                        await self.mailbox.handOver(.event(.frames(self.link, frames)))
                    }
                }
                reason = "the coordinator closed the connection"
            } catch {
                reason = "\(error)"
            }
            self.mailbox.put(.closed(self.link, reason: reason))
        }
    }
}
