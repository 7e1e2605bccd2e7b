// SPDX-License-Identifier: Apache-2.0 OR MIT

extension Definition {
    /// Throws `definitionChanged` when the digest stored under the same name and version is another one.
    package func checkSame(as kept: String) throws(CanoError) {
        let digest = self.digest
        guard digest != kept else { return }
        throw CanoError(
            .definitionChanged,
            "workflow \(self.key) is stored with digest \(kept), but this one has \(digest): "
                + "give the changed definition a new version"
        )
    }
}
