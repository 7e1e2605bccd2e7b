// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import CanoSQLite
import FoundationEssentials
import Testing

/// Lets one run of a workflow die before and behind each of its commits, and end in a second life.
struct CrashMatrix<W: Workflow> where W.Context: Equatable {
    let workflow: W
    let context: W.Context

    /// Which store the runs are on.
    enum Store: String, CaseIterable, Sendable { case memory, sqlite }

    /// Goes through all points on one kind of store; returns how many commits a run has.
    ///
    /// In its second life each run must end with the context that it has without a death.
    @discardableResult
    func check(on kind: Store, sourceLocation: SourceLocation = #_sourceLocation) async throws -> Int {
        let store = try await Self.open(kind)
        let expected = try #require(try await self.life(on: store.base, crash: nil))
        await store.close()
        for commit in 1..<200 {
            var hasDied = false
            for isWritten in [false, true] {
                let point = CrashPoint(commit: commit, isWritten: isWritten)
                let store = try await Self.open(kind)
                if try await self.life(on: store.base, crash: point) == nil { hasDied = true }
                let ended = try await self.life(on: store.base, crash: nil)
                #expect(ended == expected, "\(W.name), \(kind), \(point)", sourceLocation: sourceLocation)
                try await self.checkHistory(of: store.base, "\(W.name), \(kind), \(point)", sourceLocation)
                await store.close()
            }
            if !hasDied { return commit - 1 }
        }
        Issue.record("\(W.name) never ends", sourceLocation: sourceLocation)
        return 200
    }

    /// One process: returns the context at the run's end; `nil` when it died before.
    private func life(on base: any RunStore, crash: CrashPoint?) async throws -> W.Context? {
        let store = CrashingStore(base, at: crash ?? CrashPoint(commit: 0, isWritten: false))
        var configuration = EmbeddedRunner.Configuration()
        configuration.limits.listenTime = Span(milliseconds: 5)
        let context = self.context
        return try await EmbeddedRunner.run(self.workflow, on: store, configuration: configuration) { runner in
            try await withThrowingTaskGroup(of: W.Context?.self) { group in
                group.addTask {
                    await store.death()
                    return nil
                }
                group.addTask {
                    do {
                        let run = try await runner.start(W.self, context: context, key: "k")
                        return try await run.outcome().context
                    } catch let error as CanoError where error.code == .storeUnavailable || error.code == .notOwner {
                        // The process is dying; the other task says so.
                        try await Task.sleep(for: .seconds(3600))
                        return nil
                    }
                }
                defer { group.cancelAll() }
                return try await group.next() ?? nil
            }
        }
    }

    /// No piece of work has two accepted outcomes.
    private func checkHistory(of store: any RunStore, _ name: String, _ location: SourceLocation) async throws {
        let run = try #require(
            try await store.run(forKey: RunKey(workflow: W.name, key: "k")),
            sourceLocation: location
        )
        let rows = try await store.history(of: run.run, after: 0, limit: 10_000)
        var accepted: Set<String> = []
        for row in rows where row.kind == .branchDone || row.kind == .expanded || row.kind == .compensated {
            let key = "\(row.visit)/\(row.path ?? "")"
            #expect(accepted.insert(key).inserted, "\(name): \(key) is accepted twice", sourceLocation: location)
        }
        let visits = rows.filter { $0.kind == .entered || $0.kind == .started }.map(\.visit)
        #expect(visits == Array(1...max(1, visits.count)), "\(name): visits \(visits)", sourceLocation: location)
    }

    private struct OpenStore {
        let base: any RunStore
        let folder: URL?

        func close() async {
            await self.base.close()
            if let folder = self.folder { try? FileManager.default.removeItem(at: folder) }
        }
    }

    private static func open(_ kind: Store) async throws -> OpenStore {
        switch kind {
        case .memory: return OpenStore(base: MemoryStore(clock: { TestClock.now() }), folder: nil)
        case .sqlite:
            let folder = FileManager.default.temporaryDirectory.appending(path: "cano-crash-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let store = try await SQLiteStore.open(path: folder.appending(path: "runs.sqlite").path)
            return OpenStore(base: store, folder: folder)
        }
    }
}
