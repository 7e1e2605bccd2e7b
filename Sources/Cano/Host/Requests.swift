// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// Who waits for answers of shards: one collector for each call, however many runs it is about.
final class Requests: Sendable {
    /// Gathers the replies to one call.
    private struct Collector {
        var replies: [ShardReply?]
        /// By place: who is to answer; `nil` once it has, or will never.
        var shards: [ShardID?]
        var missing: Int
        var continuation: CheckedContinuation<[ShardReply?], Never>?

        /// No answer is awaited at this place any more; false when none was.
        mutating func settle(_ place: Int) -> Bool {
            guard self.shards.indices.contains(place), self.shards[place] != nil else { return false }
            self.shards[place] = nil
            self.missing -= 1
            return true
        }
    }

    private struct State {
        var collectors: [Int64: Collector] = [:]
        var next: Int64 = 1
    }

    private let state = Guarded(State())
    /// A request is its call's number and its place in the call.
    private static let placeBits: Int64 = 20

    /// Opens a call that waits for one reply from each of these shards; returns its requests, in order.
    func open(_ shards: [ShardID]) -> (call: Int64, requests: [RequestID]) {
        let call = self.state.withLock { state in
            let call = state.next
            state.next += 1
            state.collectors[call] = Collector(
                replies: Array(repeating: nil, count: shards.count),
                shards: shards,
                missing: shards.count
            )
            return call
        }
        return (call, shards.indices.map { RequestID(rawValue: call << Self.placeBits | Int64($0)) })
    }

    /// The replies, once all are there; `nil` where a shard was lost before it answered.
    func replies(to call: Int64) async -> [ShardReply?] {
        await withCheckedContinuation { continuation in
            let done = self.state.withLock { state -> [ShardReply?]? in
                guard let collector = state.collectors[call] else { return [] }
                guard collector.missing > 0 else {
                    state.collectors[call] = nil
                    return collector.replies
                }
                state.collectors[call]?.continuation = continuation
                return nil
            }
            if let done { continuation.resume(returning: done) }
        }
    }

    /// A shard answered.
    func reply(_ request: RequestID, _ reply: ShardReply) {
        self.close(call: request.rawValue >> Self.placeBits) { collector in
            let place = Self.place(of: request)
            if collector.settle(place) { collector.replies[place] = reply }
        }
    }

    /// A request could not be handed to its shard, or the shard is lost: there will be no answer.
    func fail(_ request: RequestID) {
        self.close(call: request.rawValue >> Self.placeBits) { _ = $0.settle(Self.place(of: request)) }
    }

    /// A shard is lost: whoever waits for it gets no answer.
    func fail(_ shard: ShardID) {
        for call in self.state.withLock({ Array($0.collectors.keys) }) {
            self.close(call: call) { collector in
                for place in collector.shards.indices where collector.shards[place] == shard {
                    _ = collector.settle(place)
                }
            }
        }
    }

    private static func place(of request: RequestID) -> Int { Int(request.rawValue & (1 << self.placeBits - 1)) }

    private func close(call: Int64, _ change: (inout Collector) -> Void) {
        let done = self.state.withLock { state -> (CheckedContinuation<[ShardReply?], Never>, [ShardReply?])? in
            guard var collector = state.collectors.removeValue(forKey: call) else { return nil }
            change(&collector)
            if collector.missing <= 0, let continuation = collector.continuation {
                return (continuation, collector.replies)
            }
            state.collectors[call] = collector
            return nil
        }
        if let (continuation, replies) = done { continuation.resume(returning: replies) }
    }
}
