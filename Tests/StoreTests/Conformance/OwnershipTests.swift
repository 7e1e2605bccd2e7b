// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

private let ttl = Span.seconds(60)
private let first = ShardID(rawValue: 0)
private let second = ShardID(rawValue: 1)
private let zero = Epoch(rawValue: 0)

@Suite("Store: ownership of shards")
struct OwnershipTests {
    @Test("a new store has all shards, and nobody holds one", arguments: StoreKind.available)
    func empty(kind: StoreKind) async throws {
        try await kind.withStore { store, _ in
            let expected = ShardID.all.map {
                ShardLease(shard: $0, epoch: zero, holder: nil, remaining: Span(milliseconds: 0))
            }
            let leases = try await store.shards()
            #expect(leases.sorted { $0.shard < $1.shard } == expected)
        }
    }

    @Test("taking a shard raises its epoch by one and names the holder", arguments: StoreKind.available)
    func take(kind: StoreKind) async throws {
        try await kind.withStore { store, fixture in
            let taken = try await store.own(first, second)
            #expect(taken == [first: Epoch(rawValue: 1), second: Epoch(rawValue: 1)])
            let leases = try await fixture.other().shards()
            let lease = try #require(leases.first { $0.shard == first })
            #expect(lease.holder == Sample.host)
            #expect(lease.epoch == Epoch(rawValue: 1))
            #expect(lease.remaining > Span.seconds(1) && lease.remaining <= ttl)
            #expect(leases.filter { $0.holder != nil }.count == 2)
        }
    }

    @Test("of two takers that saw the same epoch one wins", arguments: StoreKind.available)
    func twoTakers(kind: StoreKind) async throws {
        try await kind.withStore { store, fixture in
            let other = try await fixture.other()
            let claims = ShardID.all.map { ShardClaim(shard: $0, seen: zero) }
            async let left = store.take(claims, for: Sample.host, ttl: ttl)
            async let right = other.take(claims.reversed(), for: Sample.otherHost, ttl: ttl)
            let (a, b) = try await (left, right)
            #expect(a.count + b.count == ShardID.count)
            #expect(Set(a.keys).isDisjoint(with: b.keys))
            for lease in try await store.shards() {
                #expect(lease.holder == (a[lease.shard] != nil ? Sample.host : Sample.otherHost))
                #expect(lease.epoch == Epoch(rawValue: 1))
            }
        }
    }

    @Test("a claim with an old epoch is left out, its neighbours are taken", arguments: StoreKind.available)
    func staleClaim(kind: StoreKind) async throws {
        try await kind.withStore { store, _ in
            _ = try await store.own(first)
            let claims = [first, second].map { ShardClaim(shard: $0, seen: zero) }
            let taken = try await store.take(claims, for: Sample.otherHost, ttl: ttl)
            #expect(taken == [second: Epoch(rawValue: 1)])
            #expect(try await store.shards().first { $0.shard == first }?.holder == Sample.host)
        }
    }

    @Test("a shard can be taken from a living holder by the epoch that it has", arguments: StoreKind.available)
    func takeOver(kind: StoreKind) async throws {
        try await kind.withStore { store, fixture in
            let epoch = try await store.own(first)
            let other = try await fixture.other()
            let taken = try await other.take(
                [ShardClaim(shard: first, seen: epoch)],
                for: Sample.otherHost,
                ttl: ttl
            )
            #expect(taken == [first: Epoch(rawValue: 2)])
            #expect(try await store.renew([first: epoch], for: Sample.host, ttl: ttl).isEmpty)
        }
    }

    @Test("a lease is renewed by its holder under its epoch only", arguments: StoreKind.available)
    func renew(kind: StoreKind) async throws {
        try await kind.withStore { store, _ in
            let held = try await store.own(first, second)
            #expect(try await store.renew(held, for: Sample.host, ttl: .seconds(600)) == [first, second])
            let remaining = try await store.shards().first { $0.shard == first }?.remaining
            #expect(try #require(remaining) > ttl)
            #expect(try await store.renew(held, for: Sample.otherHost, ttl: ttl).isEmpty)
            #expect(try await store.renew([first: Epoch(rawValue: 9)], for: Sample.host, ttl: ttl).isEmpty)
            #expect(try await store.renew([:], for: Sample.host, ttl: ttl).isEmpty)
        }
    }

    @Test("a lease that ran out is not renewed, but its epoch still commits", arguments: StoreKind.available)
    func runOut(kind: StoreKind) async throws {
        try await kind.withStore { store, fixture in
            let short = Span(milliseconds: 30)
            let claims = [ShardClaim(shard: first, seen: zero)]
            let epoch = try #require(try await store.take(claims, for: Sample.host, ttl: short)[first])
            try await fixture.pass(Span(milliseconds: 31))
            let lease = try #require(try await store.shards().first { $0.shard == first })
            #expect(lease.remaining == Span(milliseconds: 0))
            #expect(try await store.renew([first: epoch], for: Sample.host, ttl: ttl).isEmpty)
            var sample = Sample()
            let batch = ShardBatch.starting(Sample.start(sample.run(in: first)), epoch: epoch)
            #expect(try await store.write(batch).stale.isEmpty)
            let taken = try await store.take([ShardClaim(shard: first, seen: epoch)], for: Sample.host, ttl: ttl)
            #expect(taken == [first: Epoch(rawValue: 2)])
        }
    }

    @Test("a released shard has no holder, keeps its epoch and can be taken at once", arguments: StoreKind.available)
    func release(kind: StoreKind) async throws {
        try await kind.withStore { store, fixture in
            let epoch = try await store.own(first)
            try await store.release([first: epoch], for: Sample.otherHost)
            try await store.release([first: Epoch(rawValue: 9)], for: Sample.host)
            #expect(try await store.shards().first { $0.shard == first }?.holder == Sample.host)
            try await store.release([first: epoch], for: Sample.host)
            let lease = try #require(try await store.shards().first { $0.shard == first })
            #expect(lease == ShardLease(shard: first, epoch: epoch, holder: nil, remaining: Span(milliseconds: 0)))
            #expect(try await store.renew([first: epoch], for: Sample.host, ttl: ttl).isEmpty)
            let other = try await fixture.other()
            let taken = try await other.take(
                [ShardClaim(shard: first, seen: epoch)],
                for: Sample.otherHost,
                ttl: ttl
            )
            #expect(taken == [first: Epoch(rawValue: 2)])
        }
    }

    @Test("the store's clock goes forward", arguments: StoreKind.available)
    func clock(kind: StoreKind) async throws {
        try await kind.withStore { store, fixture in
            let before = try await store.now()
            try await fixture.pass(Span(milliseconds: 5))
            let after = try await fixture.other().now()
            #expect(after.milliseconds(since: before) >= 5)
        }
    }
}
