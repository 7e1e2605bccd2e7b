// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@Suite("Store: definitions")
struct DefinitionTests {
    private static func definition(_ name: String, _ version: Int, exit: ExitDefinition = .success) -> Definition {
        let task = TaskDefinition(
            handler: "exec",
            name: "charge",
            arguments: .json("{\"argv\": [\"./a/b.sh\", \"{{item}}\"]}"),
            timeout: .seconds(5),
            undo: UndoDefinition(arguments: Payload(bytes: [0, 255], type: .binary))
        )
        let split = SplitDefinition(expand: task, branch: task)
        return Definition(
            name: name,
            version: version,
            start: "one",
            states: [
                StateDefinition(name: "one", step: .split(split, to: "two")),
                StateDefinition(name: "two", step: .task(run: task, to: ["three", "end"])),
                StateDefinition(name: "three", step: .timer(after: .seconds(1), to: "four")),
                StateDefinition(name: "four", step: .router(run: task, to: ["end"])),
                StateDefinition(name: "end", step: .exit(exit)),
            ],
            context: .json("{\"a\": \"ü\"}"),
            timeout: .seconds(60)
        )
    }

    @Test("definitions are kept whole and listed by name and version", arguments: StoreKind.available)
    func kept(kind: StoreKind) async throws {
        try await kind.withStore { store, fixture in
            let (b1, a2, a10) = (Self.definition("b", 1), Self.definition("a", 2), Self.definition("a", 10))
            for definition in [b1, a10, a2, a2] { try await store.save(definition) }
            #expect(try await fixture.other().definitions() == [a2, a10, b1])
        }
    }

    @Test("a changed definition needs a new version; both digests are named", arguments: StoreKind.available)
    func changed(kind: StoreKind) async throws {
        try await kind.withStore { store, fixture in
            let (old, new) = (Self.definition("a", 1), Self.definition("a", 1, exit: .failure))
            try await store.save(old)
            let other = try await fixture.other()
            let error = await #expect(throws: CanoError.self) { try await other.save(new) }
            #expect(error?.code == .definitionChanged)
            let message = try #require(error?.message)
            #expect(message.contains(old.digest) && message.contains(new.digest) && message.contains("a@1"))
            #expect(try await store.definitions() == [old])
            try await store.save(Self.definition("a", 2, exit: .failure))
        }
    }
}
