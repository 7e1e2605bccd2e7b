// SPDX-License-Identifier: Apache-2.0 OR MIT

/// How one branch of a split ended.
public enum BranchResult<Output: Sendable>: Sendable {
    /// It returned this.
    case success(Output)
    /// It failed for good.
    case failure(Failure)
    /// It was stopped because the join was decided without it.
    case cancelled

    /// What it returned; `nil` when it did not succeed.
    public var value: Output? {
        if case .success(let output) = self { output } else { nil }
    }

    /// Why it failed; `nil` when it did not.
    public var failure: Failure? {
        if case .failure(let failure) = self { failure } else { nil }
    }
}

extension BranchResult: Equatable where Output: Equatable {}
extension BranchResult: Hashable where Output: Hashable {}

extension BranchResult where Output: Decodable {
    /// A result from what the engine carries.
    init(_ result: BranchOutcome) throws {
        switch result {
        case .success(let output): self = .success(try output.decoded(as: Output.self, what: "a branch's output"))
        case .failure(let failure): self = .failure(failure)
        case .cancelled: self = .cancelled
        }
    }
}
