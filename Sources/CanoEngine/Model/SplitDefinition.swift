// SPDX-License-Identifier: Apache-2.0 OR MIT

/// Branches that run beside each other, and a join that decides when the run goes on.
public struct SplitDefinition: Hashable, Sendable {
    /// What the branches do.
    public indirect enum Work: Hashable, Sendable {
        /// One small task makes a list of items, and one branch runs for each of them.
        case each(expand: TaskDefinition, branch: TaskDefinition)
        /// These branches run, each a task of its own.
        case fixed([TaskDefinition])
    }

    /// What becomes of a compensatable branch that succeeds after the join was decided without it.
    public enum Losers: String, Hashable, Sendable, Codable {
        /// It is undone together with the others, should the run be undone.
        case undo
        /// It stays as it is.
        case keep
    }

    /// What the branches do.
    public var work: Work
    /// When the run goes on.
    public var join: JoinPolicy
    /// What becomes of late successes (default: undo).
    public var losers: Losers
    /// How many branches may run at once, their pauses before another attempt included; `nil` for no bound.
    public var inFlight: Int?
    /// A task of the same state that gets the results of the branches once the join is satisfied; `nil`: the next state
    /// gets them.
    public var gather: TaskDefinition?
    /// Further states that ``gather`` may choose, beside the one that the step names.
    public var choices: [String]

    /// A split whose branches do the same for each item.
    public init(expand: TaskDefinition, branch: TaskDefinition, join: JoinPolicy = .all, losers: Losers = .undo) {
        self.init(.each(expand: expand, branch: branch), join: join, losers: losers)
    }

    /// A split from its parts.
    public init(
        _ work: Work,
        join: JoinPolicy = .all,
        losers: Losers = .undo,
        inFlight: Int? = nil,
        gather: TaskDefinition? = nil,
        choices: [String] = []
    ) {
        self.work = work
        self.join = join
        self.losers = losers
        self.inFlight = inFlight
        self.gather = gather
        self.choices = choices
    }

    /// What makes the items; `nil` when the branches are fixed.
    public var expand: TaskDefinition? {
        if case .each(let expand, _) = self.work { expand } else { nil }
    }

    /// What each branch does; `nil` when the branches are fixed.
    public var branch: TaskDefinition? {
        if case .each(_, let branch) = self.work { branch } else { nil }
    }

    /// What the branch with this index does; `nil` when there is none.
    public func branch(at index: Int) -> TaskDefinition? {
        switch self.work {
        case .each(_, let branch): branch
        case .fixed(let branches): branches.indices.contains(index) ? branches[index] : nil
        }
    }
}

extension SplitDefinition: Codable {
    private enum CodingKeys: String, CodingKey {
        case expand, branch, branches, join, losers, inFlight, gather, choices
    }

    /// Reads the coded form; what was added later may be missing.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let work: Work =
            if let branches = try container.decodeIfPresent([TaskDefinition].self, forKey: .branches) {
                .fixed(branches)
            } else {
                .each(
                    expand: try container.decode(TaskDefinition.self, forKey: .expand),
                    branch: try container.decode(TaskDefinition.self, forKey: .branch)
                )
            }
        self.init(
            work,
            join: try container.decode(JoinPolicy.self, forKey: .join),
            losers: try container.decode(Losers.self, forKey: .losers),
            inFlight: try container.decodeIfPresent(Int.self, forKey: .inFlight),
            gather: try container.decodeIfPresent(TaskDefinition.self, forKey: .gather),
            choices: try container.decodeIfPresent([String].self, forKey: .choices) ?? []
        )
    }

    /// Writes the coded form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self.work {
        case .each(let expand, let branch):
            try container.encode(expand, forKey: .expand)
            try container.encode(branch, forKey: .branch)
        case .fixed(let branches): try container.encode(branches, forKey: .branches)
        }
        try container.encode(self.join, forKey: .join)
        try container.encode(self.losers, forKey: .losers)
        try container.encodeIfPresent(self.inFlight, forKey: .inFlight)
        try container.encodeIfPresent(self.gather, forKey: .gather)
        if !self.choices.isEmpty { try container.encode(self.choices, forKey: .choices) }
    }
}
