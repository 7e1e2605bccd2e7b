// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// One statement with its parameters and what is made of its result.
///
/// Both closures run on the connection's own thread, so that turning many rows into bytes and back costs nobody else.
struct Statement<Answer: Sendable>: Sendable {
    /// The text, with `$1`, `$2`, … for the parameters.
    let text: String
    /// The name under which a server session may keep it, parsed and planned, for the next time; for what runs often.
    ///
    /// One name stands for one text and one list of parameter types.
    var name: String?
    /// Adds the parameters, in order.
    let bind: @Sendable (inout Parameters) throws(CanoError) -> Void
    /// Makes the answer from the rows.
    let read: @Sendable (Rows) throws(CanoError) -> Answer

    init(
        _ text: String,
        bind: @escaping @Sendable (inout Parameters) throws(CanoError) -> Void = { (_) throws(CanoError) in },
        read: @escaping @Sendable (Rows) throws(CanoError) -> Answer
    ) {
        self.text = text
        self.bind = bind
        self.read = read
    }
}

extension Statement where Answer == Void {
    /// A statement without rows.
    init(
        _ text: String,
        bind: @escaping @Sendable (inout Parameters) throws(CanoError) -> Void = { (_) throws(CanoError) in }
    ) {
        self.init(text, bind: bind) { (_) throws(CanoError) in }
    }
}
