// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import FoundationEssentials

/// A path in, the licences that the file names out.
struct ReadLicences: BranchTask {
    func run(_ path: String, _ task: TaskContext) async throws -> [String] {
        let data = try Data(contentsOf: URL(filePath: path))
        return CopyrightFile(Array(data)).licences
    }
}
