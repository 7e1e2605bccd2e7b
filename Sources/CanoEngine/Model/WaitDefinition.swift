// SPDX-License-Identifier: Apache-2.0 OR MIT

/// A state in which a run waits for a signal from outside.
///
/// A signal that was sent before the wait began is kept (see ``Limits/signals``) and ends the wait at once.
public struct WaitDefinition: Hashable, Sendable, Codable {
    /// The name of the signal.
    public var signal: String
    /// How long the run waits; `nil` for no bound.
    public var within: Span?
    /// Where the run goes when nobody sent it in time; `nil`: it fails with the code `signalTimeout`.
    public var timeoutTo: String?

    /// A wait from its parts.
    public init(signal: String, within: Span? = nil, timeoutTo: String? = nil) {
        self.signal = signal
        self.within = within
        self.timeoutTo = timeoutTo
    }
}
