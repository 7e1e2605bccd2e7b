// SPDX-License-Identifier: Apache-2.0 OR MIT

extension Definition {
    /// Throws `definitionChanged` when `kept`, stored under the same name and version, is another definition.
    package func checkSame(as kept: Definition) throws(CanoError) {
        invariant(self.key == kept.key, "definitions are compared with those of the same name and version")
        guard self != kept else { return }
        throw CanoError(
            .definitionChanged,
            "workflow \(self.key) is stored with another definition; give the changed one a new version"
        )
    }
}
