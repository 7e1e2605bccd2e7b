// SPDX-License-Identifier: Apache-2.0 OR MIT

extension Schema {
    /// Messages that say more than who they are about; runs that are blocked until a time.
    static let version2 = """
        ALTER TABLE inbox ADD COLUMN payload BLOB;
        DROP INDEX run_wake;
        CREATE INDEX run_wake ON run (shard, wake_at) WHERE status IN (2, 4);
        """
}
