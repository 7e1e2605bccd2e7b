// SPDX-License-Identifier: Apache-2.0 OR MIT

import CLibPQ

/// A session that nobody uses any more, on its way to be closed.
struct Abandoned: @unchecked Sendable {
    // @unchecked: the pointers have left their owner and are touched on one thread only.
    let session: OpaquePointer
    let cancel: OpaquePointer?

    func bury() {
        if let cancel = self.cancel {
            var message = [CChar](repeating: 0, count: 256)
            _ = PQcancel(cancel, &message, Int32(message.count))  // best effort: the server ends it by itself too
            PQfreeCancel(cancel)
        }
        Socket.cut(PQsocket(self.session))
        PQfinish(self.session)
    }
}
