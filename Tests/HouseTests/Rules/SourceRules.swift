// SPDX-License-Identifier: Apache-2.0 OR MIT

/// The rules for one Swift file, each a pure function of its path and its text.
enum SourceRules {
    /// Every rule on one file.
    static func check(path: String, text: String) -> [Violation] {
        guard !path.split(separator: "/").contains("Generated") else { return [] }
        let source = SourceText(text)
        return Self.lineLength(path, source) + Self.fileLength(path, source) + Self.functionLength(path, source)
            + Self.fileName(path, source) + Self.boundary(path, source) + Self.purity(path, source)
            + Self.crash(path, source) + Self.unstructured(path, source) + Self.uncheckedSendable(path, source)
            + Self.testFramework(path, source)
    }

    /// The target that a file belongs to; `nil` outside `Sources/`.
    static func target(of path: String) -> String? {
        let parts = path.split(separator: "/")
        return parts.count > 2 && parts[0] == "Sources" ? String(parts[1]) : nil
    }

    // MARK: Sizes and names

    static func lineLength(_ path: String, _ source: SourceText) -> [Violation] {
        source.lines.enumerated()
            .compactMap { index, line in
                guard line.utf8.count > 120, line.count > 120 else { return nil }
                return Violation(
                    rule: .lineLength,
                    path: path,
                    line: index + 1,
                    message: "\(line.count) of 120 columns"
                )
            }
    }

    static func fileLength(_ path: String, _ source: SourceText) -> [Violation] {
        let count = source.lines.last?.isEmpty == true ? source.lines.count - 1 : source.lines.count
        let limit = Self.target(of: path).flatMap(House.room)?.lines ?? 400
        guard count > limit else { return [] }
        return [
            Violation(rule: .fileLength, path: path, line: count, message: "\(count) of \(limit) lines; split by topic")
        ]
    }

    static func functionLength(_ path: String, _ source: SourceText) -> [Violation] {
        FunctionSpan.all(in: source)
            .compactMap { span in
                guard span.lines.count > 70 else { return nil }
                let message = "\(span.lines.count) of 70 lines in one function"
                return Violation(rule: .functionLength, path: path, line: span.lines.lowerBound, message: message)
            }
    }

    /// A file is named after what it declares: `Type.swift`, `Type+Topic.swift`, or a function with a capital.
    static func fileName(_ path: String, _ source: SourceText) -> [Violation] {
        guard path.hasPrefix("Sources/"), let file = path.split(separator: "/").last else { return [] }
        guard let name = file.dropLast(".swift".count).split(separator: "+").first, name != "main" else { return [] }
        if name == Self.target(of: path) ?? "" { return [] }  // what concerns the whole module
        if name == "Main", Self.lines(in: source, matching: ["@", "main"]).first != nil { return [] }
        let keywords: Set = ["struct", "class", "enum", "actor", "protocol", "typealias", "extension"]
        let function = name.prefix(1).lowercased() + name.dropFirst()
        for (index, token) in source.tokens.enumerated().dropLast() {
            let next = source.tokens[index + 1].text
            if token.text == "func", next == function { return [] }
            if keywords.contains(token.text), Self.dotted(source, from: index + 1).contains(String(name)) { return [] }
        }
        return [Violation(rule: .fileName, path: path, line: 1, message: "declares nothing that is called \(name)")]
    }

    // MARK: Boundaries

    static func boundary(_ path: String, _ source: SourceText) -> [Violation] {
        guard let target = Self.target(of: path) else { return [] }
        guard let room = House.room(target) else {
            let message = "\(target) is no room of the house; add it to House.rooms and to docs/architecture.md"
            return [Violation(rule: .boundary, path: path, line: 1, message: message)]
        }
        var allowed = House.reach(of: room).union(room.modules)
        if target == "CanoEngine", path.hasPrefix("Sources/CanoEngine/Ports/") {
            allowed.formUnion(["Glibc", "Musl", "Darwin"])  // the lock
        }
        return Self.imports(of: source)
            .compactMap { module in
                guard !allowed.contains(module.text) else { return nil }
                let message = "\(target) may not import \(module.text)"
                return Violation(rule: .boundary, path: path, line: module.line, message: message)
            }
    }

    /// The core decides: it never waits, and time and chance come in as arguments.
    static func purity(_ path: String, _ source: SourceText) -> [Violation] {
        guard let target = Self.target(of: path), ["CanoEngine", "CanoSimulation"].contains(target) else { return [] }
        var forbidden: [[String]] = [
            ["Date", "("], ["Date", "."], ["UUID", "("], ["Clock"], ["ContinuousClock"], ["SuspendingClock"],
            ["SystemRandomNumberGenerator"], ["clock_gettime"], ["gettimeofday"],
        ]
        if target == "CanoEngine", !path.hasPrefix("Sources/CanoEngine/Ports/") {
            forbidden += [["async"], ["await"]]
        }
        let found = forbidden.flatMap { words in
            Self.lines(in: source, matching: words).map { (words.joined(), $0) }
        }
        let isShell = target != "CanoEngine" || path.hasPrefix("Sources/CanoEngine/Ports/")
        let actors = isShell ? [] : Self.actors(source)
        return (found + Self.unseeded(source) + actors)
            .map { word, line in
                let message = "\(word) in the core: time, chance and waiting belong to the edges"
                return Violation(rule: .purity, path: path, line: line, message: message)
            }
    }

    /// Declarations of actors.
    private static func actors(_ source: SourceText) -> [(String, Int)] {
        zip(source.tokens, source.tokens.dropFirst())
            .compactMap { word, next in
                word.text == "actor" && next.text.first?.isUppercase == true ? ("actor", word.line) : nil
            }
    }

    /// Draws that do not say from which generator.
    private static func unseeded(_ source: SourceText) -> [(String, Int)] {
        let draws: Set = ["random", "randomElement", "shuffle", "shuffled"]
        return source.tokens.indices.dropFirst().dropLast()
            .compactMap { index in
                let token = source.tokens[index]
                guard draws.contains(token.text), source.tokens[index - 1].text == "." else { return nil }
                guard source.tokens[index + 1].text == "(" else { return nil }
                let statement = source.tokens[index...].prefix { $0.line <= token.line + 2 }
                return statement.contains { $0.text == "using" } ? nil : (token.text, token.line)
            }
    }

    // MARK: Safety

    static func crash(_ path: String, _ source: SourceText) -> [Violation] {
        let forbidden: [(words: [String], remedy: String)] = [
            (["try", "!"], "handle the error"), (["as", "!"], "use as? and say what to do otherwise"),
            (["Task", ".", "detached"], "use a child task"),
            (["Mutex"], "use Guarded, which the thread sanitizer understands"),
        ]
        return forbidden.flatMap { item in
            Self.lines(in: source, matching: item.words, isGlued: true)
                .map { line in
                    let message = "\(item.words.joined()) is not used here; \(item.remedy)"
                    return Violation(rule: .crash, path: path, line: line, message: message)
                }
        }
    }

    static func unstructured(_ path: String, _ source: SourceText) -> [Violation] {
        guard path.hasPrefix("Sources/") else { return [] }
        let declared = Self.declarations(of: "Task", in: source)
        return Self.lines(in: source, matching: ["Task", "{"]).filter { !declared.contains($0) }
            .compactMap { line in
                guard !source.hasComment(with: "nstructured", near: line) else { return nil }
                let message = "an unstructured task needs a comment beside it that says why: '// Unstructured: …'"
                return Violation(rule: .unstructured, path: path, line: line, message: message)
            }
    }

    /// The lines where a type of this name is declared or extended.
    private static func declarations(of name: String, in source: SourceText) -> Set<Int> {
        let keywords: Set = ["struct", "class", "enum", "actor", "protocol", "extension"]
        return Set(
            zip(source.tokens, source.tokens.dropFirst())
                .filter { keywords.contains($0.text) && $1.text == name }
                .map(\.1.line)
        )
    }

    static func uncheckedSendable(_ path: String, _ source: SourceText) -> [Violation] {
        Self.lines(in: source, matching: ["@", "unchecked", "Sendable"])
            .compactMap { line in
                guard !source.hasComment(with: "@unchecked", near: line) else { return nil }
                let message = "needs a comment beside it that says why it is safe: '// @unchecked: …'"
                return Violation(rule: .uncheckedSendable, path: path, line: line, message: message)
            }
    }

    static func testFramework(_ path: String, _ source: SourceText) -> [Violation] {
        Self.imports(of: source).filter { $0.text == "XCTest" }
            .map { module in
                Violation(
                    rule: .testFramework,
                    path: path,
                    line: module.line,
                    message: "tests are written with Swift Testing"
                )
            }
    }

    // MARK: Words

    /// The modules that a file imports.
    static func imports(of source: SourceText) -> [SourceText.Token] {
        let kinds: Set = ["struct", "class", "enum", "protocol", "typealias", "func", "let", "var"]
        return source.tokens.enumerated()
            .compactMap { index, token in
                guard token.text == "import", index + 2 <= source.tokens.count else { return nil }
                let next = source.tokens[index + 1]
                guard kinds.contains(next.text), index + 2 < source.tokens.count else { return next }
                return source.tokens[index + 2]
            }
    }

    /// The lines where these words stand behind one another.
    private static func lines(in source: SourceText, matching words: [String], isGlued: Bool = false) -> [Int] {
        let tokens = source.tokens
        return tokens.indices.compactMap { start in
            guard tokens[start].text == words[0], start + words.count <= tokens.count else { return nil }
            for offset in words.indices.dropFirst() {
                guard tokens[start + offset].text == words[offset] else { return nil }
                if isGlued, !tokens[start + offset].isGlued { return nil }
            }
            return tokens[start].line
        }
    }

    /// The parts of a name such as `Record.Entry`.
    private static func dotted(_ source: SourceText, from start: Int) -> [String] {
        var parts: [String] = []
        var index = start
        while index < source.tokens.count {
            parts.append(source.tokens[index].text)
            guard index + 2 < source.tokens.count, source.tokens[index + 1].text == "." else { break }
            index += 2
        }
        return parts
    }
}
