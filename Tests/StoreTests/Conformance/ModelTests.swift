// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@Suite("Store: random stories")
struct ModelTests {
    @Test(
        "any story gives the same answers as the memory store",
        arguments: StoreKind.durable,
        [11, 22, 33, 44, 55, 66] as [UInt64]
    )
    func story(kind: StoreKind, seed: UInt64) async throws {
        try await kind.withStore { store, _ in
            let model = MemoryStore(clock: { Sample.time })
            var story = Story(seed: seed)
            for step in 0..<120 {
                let place = "seed \(seed), step \(step)"
                switch story.next() {
                case .take(let claims, let host):
                    let expected = await model.take(claims, for: host, ttl: .seconds(60))
                    #expect(try await store.take(claims, for: host, ttl: .seconds(60)) == expected, "\(place)")
                    story.taken(expected)
                case .release(let held, let host):
                    await model.release(held, for: host)
                    try await store.release(held, for: host)
                case .post(let mail):
                    await model.post(mail)
                    try await store.post(mail)
                case .commit(let batches):
                    let expected = await model.commit(batches)
                    let outcome = await store.commit(batches.map { story.translated($0) })
                    #expect(outcome.failure == expected.failure, "\(place): \(outcome)")
                    let contradicted = outcome.answer?.contradicted.mapValues(\.code)
                    #expect(contradicted == expected.answer?.contradicted.mapValues(\.code), "\(place): \(outcome)")
                    #expect(outcome.answer?.stale == expected.answer?.stale, "\(place)")
                    #expect(outcome.answer?.refused == expected.answer?.refused, "\(place)")
                    story.committed(batches, expected)
                }
                try await self.compare(model, store, &story, place)
            }
        }
    }

    private func compare(
        _ model: MemoryStore,
        _ store: any RunStore,
        _ story: inout Story,
        _ place: String
    ) async throws {
        let shard = story.shard()
        let horizon = Sample.time.advanced(by: Span(milliseconds: Int64(story.draw(100))))
        let (page, limit) = (story.knownRun(), story.draw(6))
        let found = try await store.runnable(
            in: shard,
            before: horizon,
            waitingOnly: limit == 3,
            after: page,
            limit: limit
        )
        let expected = await model.runnable(
            in: shard,
            before: horizon,
            waitingOnly: limit == 3,
            after: page,
            limit: limit
        )
        #expect(found == expected, "\(place)")
        if let run = story.knownRun() {
            #expect(try await store.load(run) == model.load(run), "\(place)")
            #expect(try await store.summary(of: run) == model.summary(of: run), "\(place)")
            let after = story.draw(4)
            let rows = try await store.history(of: run, after: after, limit: 5)
            #expect(await rows == model.history(of: run, after: after, limit: 5), "\(place)")
            let (token, path) = (story.token(), WorkPath.branch(story.draw(3)))
            let isKnown = try await store.hasOutcome(of: token, run: run, path: path)
            #expect(await isKnown == model.hasOutcome(of: token, run: run, path: path), "\(place)")
        }
        let query = story.query()
        #expect(try await store.summaries(query) == model.summaries(query), "\(place)")
        let key = RunKey(workflow: "order", key: story.key())
        #expect(try await store.run(forKey: key) == model.run(forKey: key), "\(place)")
        let mail = try await store.mail(for: [shard, story.shard()], limit: 9)
        let expectedMail = await model.mail(for: ShardID.all, limit: .max)
        #expect(mail.allSatisfy { letter in expectedMail.contains { $0.mail == letter.mail } }, "\(place)")
        let letters = try await store.mail(for: ShardID.all, limit: 1_000_000)
        #expect(letters.map(\.mail) == expectedMail.map(\.mail), "\(place)")
        story.sees(model: expectedMail, store: letters)
        #expect(try await store.audit(limit: 5) == model.audit(limit: 5), "\(place)")
        let leases = try await store.shards().sorted { $0.shard < $1.shard }
        let expectedLeases = await model.shards()
        #expect(leases.map(\.epoch) == expectedLeases.map(\.epoch), "\(place)")
        #expect(leases.map(\.holder) == expectedLeases.map(\.holder), "\(place)")
    }
}
