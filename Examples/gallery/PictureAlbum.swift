// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano

/// Load, process, finish in one state: pictures are resized beside each other, results come in the order of the list.
struct PictureAlbum: Example, Workflow {
    static let name = "picture-album"
    static let version = 1
    static let summary = "a batch with retries for each item and a place for each failure"

    enum State: String, WorkflowState { case resize, done }
    struct Context: Codable, Sendable {
        var pictures: [String]
        var sizes: [String] = []
    }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .resize: .batch(Resize(), inFlight: 4, retry: .fixed(attempts: 2, every: .milliseconds(5)), to: .done)
        case .done: .exit
        }
    }

    struct Resize: BatchTask {
        func load(_ context: Context, _ task: TaskContext) async throws -> [String] { context.pictures }

        func process(_ picture: String, _ task: TaskContext) async throws -> Int {
            guard picture.hasSuffix(".png") else {
                throw TaskFailure.permanent("\(picture) is no picture", code: "kind")
            }
            return picture.count * 100
        }

        func finish(
            _ context: inout Context,
            _ results: [BranchResult<Int>],
            _ task: TaskContext
        ) async throws {
            context.sizes = zip(context.pictures, results)
                .map { picture, result in
                    "\(picture): \(result.value.map { "\($0) pixels" } ?? result.failure?.message ?? "not done")"
                }
        }
    }

    static func run() async throws {
        try await EmbeddedRunner.run(Self(), on: MemoryStore()) { runner in
            let context = Context(pictures: ["cat.png", "invoice.pdf", "mountain.png"])
            let result = try await runner.start(Self.self, context: context).outcome()
            for size in result.context.sizes { print("  \(size)") }
        }
    }
}
