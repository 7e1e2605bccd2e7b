// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano

/// A run that starts another one and goes on when that has ended.
struct OrderWithInvoice: Example, Workflow {
    static let name = "order-with-invoice"
    static let version = 1
    static let summary = "a child run, awaited, with its context handed back"

    enum State: String, WorkflowState { case pack, bill, check, done }
    struct Context: Codable, Sendable {
        var cents: Int
        var invoice = ""
    }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .pack: .task(Pack(), to: .bill)
        case .bill: .child(Invoice.self, to: .check) { Invoice.Context(cents: $0.cents) }
        case .check: .task(Check(), to: .done)
        case .done: .exit
        }
    }

    struct Pack: ContextTask {
        func run(_ context: inout Context, _ task: TaskContext) async throws {}
    }

    struct Check: ChildTask {
        func run(
            _ context: inout Context,
            _ child: ChildOutcome<Invoice.Context>,
            _ task: TaskContext
        ) async throws {
            guard let number = child.context?.number, child.isSuccess else { throw TaskFailure.permanent("no invoice") }
            context.invoice = number
        }
    }

    struct Invoice: Workflow {
        static let name = "invoice"
        static let version = 1
        enum State: String, WorkflowState { case number, sent }
        struct Context: Codable, Sendable {
            var cents: Int
            var number: String?
        }

        func step(in state: State) -> Step<Self> {
            switch state {
            case .number: .task(GiveNumber(), to: .sent)
            case .sent: .exit
            }
        }
    }

    struct GiveNumber: ContextTask {
        func run(_ invoice: inout Invoice.Context, _ task: TaskContext) async throws {
            invoice.number = "R-\(invoice.cents)"
        }
    }

    static func run() async throws {
        var catalogue = WorkCatalogue()
        try catalogue.add(Self())
        try catalogue.add(Invoice())
        try await EmbeddedRunner.run(catalogue, on: MemoryStore()) { runner in
            let result = try await runner.start(Self.self, context: .init(cents: 1999)).outcome()
            print("  invoice \(result.context.invoice)")
        }
    }
}
