// SPDX-License-Identifier: Apache-2.0 OR MIT

import Foundation

/// The repository on disk, as far as the rules look at it.
struct Tree {
    /// The repository's folder.
    let root: URL

    init(root: URL) {
        self.root = root
    }

    /// The paths of all files but those that tools make, relative to the root, sorted.
    func paths() throws -> [String] {
        var found: [String] = []
        var folders = [""]
        while let folder = folders.popLast() {
            for name in try FileManager.default.contentsOfDirectory(atPath: self.url(folder).path) {
                guard !Self.isMade(name) else { continue }
                let path = folder.isEmpty ? name : "\(folder)/\(name)"
                let values = try self.url(path).resourceValues(forKeys: [.isDirectoryKey, .isRegularFileKey])
                if values.isDirectory == true { folders.append(path) }
                if values.isRegularFile == true { found.append(path) }
            }
        }
        return found.sorted()
    }

    /// A file's text; `nil` when it is not text.
    func text(of path: String) throws -> String? {
        String(data: try Data(contentsOf: self.url(path)), encoding: .utf8)
    }

    /// Whether there is such a file or folder.
    func has(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: self.url(path).path)
    }

    /// Everything that breaks a rule.
    func violations() throws -> [Violation] {
        var violations: [Violation] = []
        var tests: Set<String> = []
        for path in try self.paths() {
            guard let text = try self.text(of: path) else { continue }
            violations += FileRules.check(path: path, text: text)
            if path.hasSuffix(".swift") { violations += SourceRules.check(path: path, text: text) }
            if path.hasPrefix("Tests/"), path.hasSuffix(".swift") { tests.formUnion(ParityRules.tests(in: text)) }
            if path.hasSuffix(".md") { violations += self.brokenLinks(of: path, text: text) }
        }
        violations += try self.limits(source: "Sources/CanoEngine/Model/Limits.swift", page: "docs/limits.md")
        let parity = ParityRules(path: "docs/parity.md", tests: tests)
        if self.has(parity.path), let page = try self.text(of: parity.path) { violations += parity.check(page) }
        return violations
    }

    private func limits(source: String, page: String) throws -> [Violation] {
        guard self.has(source), let source = try self.text(of: source) else { return [] }
        let text = self.has(page) ? try self.text(of: page) : nil
        return PageRules.limits(source: source, page: text ?? "", pagePath: page)
    }

    private func brokenLinks(of path: String, text: String) -> [Violation] {
        let folder = path.split(separator: "/").dropLast().joined(separator: "/")
        let links = PageRules.links(in: text).map { (folder.isEmpty ? $0.target : "\(folder)/\($0.target)", $0.line) }
        let mentions = PageRules.mentions(in: text).map { ($0.target, $0.line) }
        return (links + mentions)
            .compactMap { target, line in
                guard !self.has(target) else { return nil }
                return Violation(rule: .link, path: path, line: line, message: "there is no \(target)")
            }
    }

    private func url(_ path: String) -> URL {
        self.root.appending(path: path)
    }

    private static func isMade(_ name: String) -> Bool {
        name == ".git" || name == ".swiftpm" || name == "Package.resolved" || name.hasPrefix(".build")
    }
}
