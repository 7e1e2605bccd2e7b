// SPDX-License-Identifier: Apache-2.0 OR MIT

/// The rules for any file of the repository, each a pure function of its path and its text.
enum FileRules {
    /// Every rule on one file.
    static func check(path: String, text: String) -> [Violation] {
        Self.licence(path, text) + Self.folderName(path) + Self.postponed(path, text) + Self.machinePath(path, text)
    }

    /// Code says under which licence it is, in its first lines.
    static func licence(_ path: String, _ text: String) -> [Violation] {
        guard !path.split(separator: "/").contains("Generated") else { return [] }
        let file = path.split(separator: "/").last ?? ""
        let mark: String
        if ["swift", "proto", "h", "modulemap"].contains(where: { file.hasSuffix(".\($0)") }) {
            mark = "//"
        } else if file.hasSuffix(".sql") {
            mark = "--"
        } else if ["sh", "yaml", "yml", "service"].contains(where: { file.hasSuffix(".\($0)") }) || text.hasPrefix("#!")
        {
            mark = "#"
        } else {
            return []
        }
        let wanted = "\(mark) SPDX-License-Identifier: Apache-2.0 OR MIT"
        let head = text.split(separator: "\n", maxSplits: 3, omittingEmptySubsequences: false).prefix(3)
        guard !head.contains(Substring(wanted)) else { return [] }
        return [Violation(rule: .licence, path: path, line: 1, message: "lacks the line '\(wanted)'")]
    }

    /// Nothing is called after being useful: a name says what is inside.
    static func folderName(_ path: String) -> [Violation] {
        let empty = ["Util", "Utils", "Utilities", "Helper", "Helpers", "Misc", "Common"]
        return path.split(separator: "/")
            .compactMap { part in
                let stem = part.split(separator: ".").first ?? part
                guard let word = empty.first(where: { stem.hasSuffix($0) }) else { return nil }
                return Violation(
                    rule: .folderName,
                    path: path,
                    line: 1,
                    message: "'\(word)' says nothing; name the topic"
                )
            }
    }

    /// The words that put work off, in pieces: this file is checked, too.
    private static let postponing = ["TO" + "DO", "FIX" + "ME", "XX" + "X"]

    /// What is put off has a number under which it is found.
    static func postponed(_ path: String, _ text: String) -> [Violation] {
        guard path.hasSuffix(".swift") else { return [] }
        return SourceText(text).comments.sorted { $0.key < $1.key }
            .compactMap { line, comment in
                guard Self.postponing.contains(where: comment.contains) else { return nil }
                guard comment.firstMatch(of: /#[0-9]+/) == nil else { return nil }
                return Violation(rule: .postponed, path: path, line: line, message: "name the issue: '#12'")
            }
    }

    /// Nothing depends on where somebody keeps their files.
    static func machinePath(_ path: String, _ text: String) -> [Violation] {
        let personal = /(^|[^A-Za-z0-9_.\-$\x7D\/])\/(work|root|home|Users)\/[A-Za-z]/
        return text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
            .compactMap { index, line in
                guard line.contains("/"), line.firstMatch(of: personal) != nil else { return nil }
                return Violation(
                    rule: .machinePath,
                    path: path,
                    line: index + 1,
                    message: "an absolute path of one machine"
                )
            }
    }
}
