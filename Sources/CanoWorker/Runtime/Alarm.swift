// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import NIOCore
import NIOPosix

/// Tells the loop that time has passed: one timer that is set anew only when it would come too late.
struct Alarm {
    private let mailbox: Mailbox
    private let loop: any EventLoop
    private var timer: Scheduled<Void>?
    private var setTo = Int64.max

    init(mailbox: Mailbox) {
        self.mailbox = mailbox
        self.loop = MultiThreadedEventLoopGroup.singleton.any()
    }

    /// Rings at `next` at the latest.
    mutating func set(to next: Int64?, now: Int64) {
        guard let next, next < self.setTo else { return }
        self.timer?.cancel()
        self.setTo = next
        let mailbox = self.mailbox
        self.timer = self.loop.scheduleTask(in: .milliseconds(max(1, next - now))) {
            mailbox.put(.event(.ticked))
        }
    }

    /// It has rung, or something else brought a tick.
    mutating func rang() {
        self.timer?.cancel()
        self.timer = nil
        self.setTo = .max
    }
}
