// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine
package import NIOCore

/// What one side of a session says: ``WorkerFrame`` or ``CoordinatorFrame``.
package protocol SessionFrame: Hashable, Sendable {
    /// The name of the message in `cano.proto`, for errors and logs.
    var name: String { get }

    /// About how many bytes the frame takes on the wire: good enough to bound an outbox, cheap enough to ask always.
    var estimatedBytes: Int { get }

    /// The same said in two frames, when the frame is a list of at least two.
    var halves: (Self, Self)? { get }

    /// The `CanoFrame` in bytes, without the length in front.
    func serialized() throws(CanoError) -> [UInt8]

    /// Reads a `CanoFrame`: `nil` for a message that is unknown or that this side does not say.
    ///
    /// Throws `protocolViolation`, naming the field, when a message that is known holds a value that cannot be.
    static func parse(_ body: ByteBuffer) throws(CanoError) -> Self?
}
