// SPDX-License-Identifier: Apache-2.0 OR MIT

/// Lets others have the thread now and then, in a loop whose body may never suspend.
struct Breather {
    private var last = ContinuousClock.now

    init() {}

    /// Gives the thread away for a moment when the last time was a while ago.
    mutating func breathe() async {
        guard self.last.duration(to: .now) > .milliseconds(1) else { return }
        await Task.yield()
        self.last = .now
    }
}
