// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The processes that a program started and that outlived it, found through their group.
struct ProcessGroup: Sendable {
    /// How long those that stay may take to end by themselves.
    static let grace = Duration.seconds(2)

    /// The program's process id, which is the group's too; the program itself is gone and reaped.
    let leader: pid_t

    /// Returns when nobody of the group is left: asks all to end, and kills those that stay.
    ///
    /// Cancellation does not shorten it: whoever waits for it must be sure that the group is gone.
    func settle() async {
        guard self.isAlive else { return }
        await Uncancelled.run { await self.end() }
    }

    private func end() async {
        kill(-self.leader, SIGTERM)
        let clock = ContinuousClock()
        let patience = clock.now.advanced(by: Self.grace)
        // What a kill does not end within this time hangs in the kernel, and nobody can do more about it.
        let limit = patience.advanced(by: Self.grace)
        var pause = Duration.milliseconds(1)
        while self.isAlive, clock.now < limit {
            if clock.now >= patience { kill(-self.leader, SIGKILL) }
            do { try await clock.sleep(for: pause) } catch { return }
            pause = min(pause * 2, .milliseconds(50))
        }
    }

    private var isAlive: Bool {
        // As the first process of a container we inherit orphans and have to reap them; elsewhere this finds no child.
        while waitpid(-self.leader, nil, WNOHANG) > 0 {}
        return kill(-self.leader, 0) == 0 || errno == EPERM
    }
}
