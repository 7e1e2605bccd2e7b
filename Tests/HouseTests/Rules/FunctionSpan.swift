// SPDX-License-Identifier: Apache-2.0 OR MIT

/// The lines of one function, initializer, subscript or computed property, from its first word to its last brace.
struct FunctionSpan: Hashable {
    /// The lines, from 1.
    var lines: ClosedRange<Int>

    private enum Scope {
        case plain
        case requirements
        case function(line: Int)
    }

    /// All functions of a file, nested ones too, in the order in which they end.
    static func all(in source: SourceText) -> [FunctionSpan] {
        var spans: [FunctionSpan] = []
        var scopes: [Scope] = []
        var pending: (scope: Scope, depth: Int, isProperty: Bool)?
        var depth = 0
        var previous: SourceText.Token?
        for token in source.tokens {
            defer { previous = token }
            if let open = pending, open.isProperty, open.depth == depth, token.line != previous?.line { pending = nil }
            switch token.text {
            case "(", "[": depth += 1
            case ")", "]": depth -= 1
            case "=" where pending?.isProperty == true && pending?.depth == depth: pending = nil
            case "{":
                if let open = pending, open.depth == depth {
                    scopes.append(open.scope)
                    pending = nil
                } else {
                    scopes.append(.plain)
                }
            case "}":
                if case .function(let line) = scopes.popLast() { spans.append(Self(lines: line...token.line)) }
            case "protocol": pending = (.requirements, depth, false)
            case "func", "init", "deinit", "subscript", "var":
                guard previous?.text != ".", previous?.text != "`" else { break }
                if case .requirements = scopes.last { break }
                pending = (.function(line: token.line), depth, token.text == "var")
            default: break
            }
        }
        return spans
    }
}
