// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

private let first = ShardID(rawValue: 0)
private let second = ShardID(rawValue: 1)

@Suite("Store: mail between shards")
struct MailTests {
    @Test("mail waits for its shard until a commit of the owner consumes it", arguments: StoreKind.available)
    func consumed(kind: StoreKind) async throws {
        try await kind.withStore { store, fixture in
            var sample = Sample()
            let held = try await store.own(first, second)
            let letters = [
                Mail(to: first, .cancel(sample.run(in: first), by: "ann")),
                Mail(to: second, .cancel(sample.run(in: second), by: "bob")),
                Mail(to: first, .cancel(sample.run(in: first), by: "")),
            ]
            try await fixture.other().post(Array(letters.prefix(1)))
            var sender = ShardBatch(shard: second, epoch: try #require(held[second]))
            sender.mail = Array(letters.dropFirst())
            try await store.write(sender)
            let waiting = try await store.mail(for: [first, second], limit: 10)
            #expect(waiting.map(\.mail) == letters)
            #expect(Set(waiting.map(\.id)).count == 3)
            #expect(try await store.mail(for: [first], limit: 10).map(\.mail) == [letters[0], letters[2]])
            #expect(try await store.mail(for: [first, second], limit: 2).map(\.mail) == Array(letters.prefix(2)))
            #expect(try await store.mail(for: [], limit: 10).isEmpty)

            var reader = ShardBatch(shard: first, epoch: try #require(held[first]))
            reader.consumed = [waiting[0].id, 999_999]
            try await store.write(reader)
            #expect(try await store.mail(for: [first, second], limit: 10).map(\.mail) == Array(letters.dropFirst()))
            try await store.write(reader)
            #expect(try await store.mail(for: [first, second], limit: 10).count == 2)
        }
    }

    @Test("only the shard's owner consumes its mail", arguments: StoreKind.available)
    func fenced(kind: StoreKind) async throws {
        try await kind.withStore { store, _ in
            var sample = Sample()
            let held = try await store.own(first, second)
            try await store.post([Mail(to: first, .cancel(sample.run(in: first), by: "ann"))])
            let id = try #require(try await store.mail(for: [first], limit: 1).first?.id)
            var stale = ShardBatch(shard: first, epoch: Epoch(rawValue: 9))
            stale.consumed = [id]
            stale.mail = [Mail(to: second, .cancel(sample.run(in: second), by: "late"))]
            var stranger = ShardBatch(shard: second, epoch: try #require(held[second]))
            stranger.consumed = [id]
            #expect(try await store.write(stale, stranger).stale == [first])
            #expect(try await store.mail(for: [first], limit: 1).map(\.id) == [id])
            #expect(try await store.mail(for: [second], limit: 1).isEmpty)
        }
    }
}
