// SPDX-License-Identifier: Apache-2.0 OR MIT

/// One place that breaks a rule of the house.
struct Violation: Hashable, CustomStringConvertible {
    /// The rules, by name.
    enum Rule: String, CaseIterable {
        case licence, lineLength, fileLength, functionLength, fileName, folderName, postponed, machinePath
        case boundary, purity, crash, unstructured, uncheckedSendable, testFramework, limitsPage, link, parity
    }

    /// The rule.
    var rule: Rule
    /// The file, relative to the root of the package.
    var path: String
    /// The line, from 1.
    var line: Int
    /// What is wrong and what to do about it.
    var message: String

    var description: String { "\(self.path):\(self.line): \(self.rule.rawValue): \(self.message)" }
}
