// SPDX-License-Identifier: Apache-2.0 OR MIT

/// How the branches of a split are undone, by what they returned.
@usableFromInline
final class DirectBranchUndos<Output: Sendable>: Sendable {
    /// Undoes what a branch returned.
    private let known: @Sendable (Int, Output) -> BoundUndo?
    private let codes: Codes

    private enum Codes: Sendable {
        case same(UndoCode)
        case each([UndoCode?])
    }

    /// Every branch is undone by the same code.
    @usableFromInline
    init(_ code: UndoCode) {
        let binding = code.binding(of: Output.self)
        self.known = { _, output in binding(output) }
        self.codes = .same(code)
    }

    private init(_ codes: Codes, _ known: @escaping @Sendable (Int, Output) -> BoundUndo?) {
        self.known = known
        self.codes = codes
    }

    private func code(of branch: Int) -> UndoCode? {
        switch self.codes {
        case .same(let code): code
        case .each(let codes): codes[branch]
        }
    }

    /// Whether what a branch did can be undone.
    func covers(_ branch: Int) -> Bool { self.code(of: branch) != nil }

    /// Undoes what a branch did; `nil` when it cannot be undone.
    func undo(_ branch: Int, _ output: Output) -> BoundUndo? { self.known(branch, output) }

    /// Undoes what nobody knows of; `nil` when it is not undone.
    func unknown(_ branch: Int) -> BoundUndo? {
        guard let code = self.code(of: branch), code.definition.coversUnknown else { return nil }
        return code.unknown
    }
}

extension DirectBranchUndos where Output == FixedOutput {
    /// Each branch has a code of its own; `nil` when none can be undone.
    convenience init?(_ codes: [DirectFixedUndo?]) {
        guard codes.contains(where: { $0 != nil }) else { return nil }
        self.init(.each(codes.map { $0?.code })) { branch, output in codes[branch]?.bind(output) }
    }
}
