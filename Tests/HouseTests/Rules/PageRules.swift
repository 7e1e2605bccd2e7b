// SPDX-License-Identifier: Apache-2.0 OR MIT

/// The rules for the pages that people read: they say what the code says.
enum PageRules {
    /// Every limit stands in the page of limits, with the default that the code has.
    static func limits(source: String, page: String, pagePath: String) -> [Violation] {
        let lines = source.split(separator: "\n").map { $0.drop { $0 == " " } }
        return zip(lines, lines.dropFirst())
            .compactMap { comment, declaration in
                guard declaration.hasPrefix("public var "), comment.hasPrefix("///") else { return nil }
                let name = declaration.dropFirst("public var ".count).prefix { $0.isLetter || $0.isNumber }
                guard let mark = comment.firstRange(of: "(default: ") else { return nil }
                let value = comment[mark.upperBound...].prefix { $0 != ")" }
                let isThere = page.split(separator: "\n").contains { $0.contains("`\(name)`") && $0.contains(value) }
                guard !isThere else { return nil }
                let message = "lacks a row with `\(name)` and \(value)"
                return Violation(rule: .limitsPage, path: pagePath, line: 1, message: message)
            }
    }

    /// The relative links of a page, each with its line.
    static func links(in text: String) -> [(target: String, line: Int)] {
        text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
            .flatMap { index, line in
                line.matches(of: /\]\(([^)#]+)(#[^)]*)?\)/)
                    .compactMap { match in
                        let target = String(match.1)
                        return target.contains("://") || target.hasPrefix("mailto:") ? nil : (target, index + 1)
                    }
            }
    }

    /// The files and folders of the repository that a page names in the form of code, each with its line.
    static func mentions(in text: String) -> [(target: String, line: Int)] {
        text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
            .flatMap { index, line in
                line.matches(of: /`((Sources|Tests|scripts|docs|deploy|Examples|Benchmarks)\/[A-Za-z0-9_.+\/-]+)`/)
                    .map { (String($0.1), index + 1) }
            }
    }
}
