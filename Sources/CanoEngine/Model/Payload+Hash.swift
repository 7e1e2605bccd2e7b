// SPDX-License-Identifier: Apache-2.0 OR MIT

extension Payload {
    /// What is kept with a run's key to tell whether a later start means the same: the first eight bytes of the
    /// SHA-256 over the content type and the bytes.
    package static func inputHash(of payload: Payload) -> Int64 {
        var hash = SHA256()
        hash.update(CollectionOfOne(payload.type.rawValue))
        hash.update(payload.bytes)
        let first = hash.finalize().prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return Int64(bitPattern: first)
    }
}
