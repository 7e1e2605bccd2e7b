// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano

/// Different tasks beside each other, then a batch, then a split with a join.
struct MakeAlbum: Workflow {
    static let name = "make-album"
    static let version = 1
    enum State: String, WorkflowState { case quote, develop, frame, bind, done }
    struct Context: Codable, Sendable, Equatable {
        /// A negative one cannot be developed.
        var pictures: [Int]
        var pages = 0
        var title = ""
        var developed: [Int] = []
        var problems: [String] = []
        var frames: [String] = []
    }

    let desk: Desk

    func step(in state: State) -> Step<Self> {
        switch state {
        case .quote:
            .parallel(
                CountPages(desk: self.desk),
                FindTitle(desk: self.desk),
                retry: Desk.retry,
                to: .develop
            ) { context, results in
                let (pages, title) = results.values
                context.pages = pages.value ?? -1
                context.title = title.value ?? "?"
            }
        case .develop: .batch(Develop(desk: self.desk), inFlight: 2, retry: Desk.retry, to: .frame)
        case .frame: .split(over: \.developed, Frame(desk: self.desk), retry: Desk.retry, to: .bind)
        case .bind: .task(Bind(desk: self.desk), retry: Desk.retry, to: .done)
        case .done: .exit
        }
    }

    struct CountPages: ParallelTask {
        let desk: Desk

        func run(_ context: Context, _ task: TaskContext) async throws -> Int {
            try await self.desk.meet(at: "desk", "pages", task)
            return context.pictures.count * 2
        }
    }

    struct FindTitle: ParallelTask {
        let desk: Desk

        func run(_ context: Context, _ task: TaskContext) async throws -> String {
            try await self.desk.meet(at: "desk", "title", task)
            if task.attempt < 2 { throw TaskFailure("no idea yet") }
            return "Summer"
        }
    }

    struct Develop: BatchTask {
        let desk: Desk

        func load(_ context: Context, _ task: TaskContext) async throws -> [Int] {
            self.desk.note("load", task)
            return context.pictures
        }

        func process(_ picture: Int, _ task: TaskContext) async throws -> Int {
            guard picture >= 0 else {
                self.desk.note("develop \(picture)", task)
                throw TaskFailure.permanent("picture \(picture) is blank", code: "blank")
            }
            try await self.desk.meet(at: "darkroom", "develop \(picture)", task)
            return picture * 2
        }

        func finish(_ context: inout Context, _ results: [BranchResult<Int>], _ task: TaskContext) async throws {
            self.desk.note("finish", task)
            context.developed = results.compactMap(\.value)
            context.problems = results.compactMap { $0.failure?.code }
        }
    }

    struct Frame: BranchTask {
        let desk: Desk

        func run(_ picture: Int, _ task: TaskContext) async throws -> String {
            self.desk.note("frame \(picture)", task)
            return "framed \(picture)"
        }
    }

    struct Bind: JoinTask {
        let desk: Desk

        func run(_ context: inout Context, _ frames: [BranchResult<String>], _ task: TaskContext) async throws {
            self.desk.note("bind", task)
            context.frames = frames.compactMap(\.value)
        }
    }
}
