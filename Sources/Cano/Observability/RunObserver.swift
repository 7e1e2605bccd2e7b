// SPDX-License-Identifier: Apache-2.0 OR MIT

/// Hears of everything that happens to the runs of one process.
///
/// Events of one run come in order, after the records that say so are durable. Those of several runs may come from
/// several threads at once.
public protocol RunObserver: Sendable {
    /// Something happened.
    ///
    /// It is called in the middle of the engine's work: be quick, never wait. ``RunEvents`` hands events on to
    /// somebody who takes longer.
    func observe(_ event: RunEvent)

    /// The runner has closed: nothing follows.
    func closed()
}

extension RunObserver {
    /// Does nothing.
    public func closed() {}
}
