// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano

/// Asks every bidder and takes the best bid that came in time; who is late does not hold up the page.
struct AdExchange: Example, Workflow {
    static let name = "ad-exchange"
    static let version = 1
    static let summary = "a join that closes after 120 ms and takes the best of what is there"

    enum State: String, WorkflowState { case ask, choose, sold }
    struct Bidder: Codable, Sendable {
        var name: String
        var milliseconds: Int
        var cents: Int
    }
    struct Bid: Codable, Sendable {
        var bidder: String
        var cents: Int
    }
    struct Context: Codable, Sendable {
        var bidders: [Bidder]
        var winner: Bid?
        var late = 0
    }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .ask:
            .split(
                over: \.bidders,
                AskBidder(),
                join: .partial(atLeast: 1, within: .milliseconds(120)),
                retry: .never,
                to: .choose
            )
        case .choose: .task(ChooseBest(), to: .sold)
        case .sold: .exit
        }
    }

    struct AskBidder: BranchTask {
        func run(_ bidder: Bidder, _ task: TaskContext) async throws -> Bid {
            try await Task.sleep(for: .milliseconds(bidder.milliseconds))
            return Bid(bidder: bidder.name, cents: bidder.cents)
        }
    }

    struct ChooseBest: JoinTask {
        func run(_ context: inout Context, _ bids: [BranchResult<Bid>], _ task: TaskContext) async throws {
            context.winner = bids.compactMap(\.value).max { $0.cents < $1.cents }
            context.late = bids.count { $0.value == nil }
        }
    }

    static func run() async throws {
        let bidders = [
            Bidder(name: "quick", milliseconds: 5, cents: 12),
            Bidder(name: "careful", milliseconds: 20, cents: 31),
            Bidder(name: "greedy", milliseconds: 2000, cents: 99),
        ]
        try await EmbeddedRunner.run(Self(), on: MemoryStore()) { runner in
            let page = try await runner.start(Self.self, context: .init(bidders: bidders)).outcome().context
            print(
                "  sold to \(page.winner?.bidder ?? "nobody") for \(page.winner?.cents ?? 0) cents; \(page.late) late"
            )
        }
    }
}
