// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import CanoProtocol
import Logging

/// Decides nothing: takes what its mailbox holds, asks the machine, and performs the effects.
struct WorkerLoop {
    private var machine: WorkerMachine
    private let mailbox: Mailbox
    private let connectors: [Connector]
    private let runner: LeaseRunner
    private let logger: Logger
    private var connections: [WorkerMachine.Link: Connection] = [:]
    private var unreachable: Set<WorkerMachine.Link> = []
    private var ending: WorkerMachine.Ending?
    /// Leases that nobody works on any more.
    private var ended: [LeaseRef] = []
    private var alarm: Alarm
    private let clock = MonotonicClock()

    init(
        machine: WorkerMachine,
        mailbox: Mailbox,
        connectors: [Connector],
        runner: LeaseRunner,
        logger: Logger
    ) {
        self.machine = machine
        self.mailbox = mailbox
        self.connectors = connectors
        self.runner = runner
        self.logger = logger
        self.alarm = Alarm(mailbox: mailbox)
    }

    /// Runs until the machine says that the worker is done.
    mutating func run() async throws -> WorkerMachine.Ending {
        try await withThrowingDiscardingTaskGroup { group in
            defer {
                self.mailbox.close()
                group.cancelAll()
            }
            for connector in self.connectors { group.addTask { await connector.run() } }
            self.perform(self.machine.begin())
            while true {
                let items = await self.mailbox.take()
                var events: [WorkerMachine.Event] = []
                for item in items { try self.receive(item, &events, &group) }
                self.perform(self.machine.apply(events, at: self.clock.now))
                // Not before: they may have been cancelled by the same events.
                for lease in self.ended { self.runner.tasks.forget(lease) }
                self.ended = []
                if let ending = self.ending { return ending }
                self.alarm.set(to: self.machine.nextTick, now: self.clock.now)
            }
        }
    }

    private mutating func receive(
        _ item: Mailbox.Item,
        _ events: inout [WorkerMachine.Event],
        _ group: inout ThrowingDiscardingTaskGroup<any Error>
    ) throws {
        switch item {
        case .event(let event):
            if case .finished(let lease, _) = event { self.ended.append(lease) }
            if case .unstarted(let leases) = event { self.ended += leases }
            if case .ticked = event { self.alarm.rang() }
            events.append(event)
        case .opened(let link, let connection):
            self.connections[link] = connection
            self.unreachable.remove(link)
            events.append(.opened(link))
        case .closed(let link, let reason):
            self.connections[link] = nil
            self.log(.closed(reason), link)
            events.append(.closed(link))
        case .started(let grants):
            for grant in grants {
                let runner = self.runner
                group.addTask { await runner.run(grant) }
            }
        case .cancelled: throw CancellationError()
        }
    }

    private mutating func perform(_ effects: [WorkerMachine.Effect]) {
        for effect in effects {
            switch effect {
            case .connect(let link, let pause): self.connectors[link.rawValue].connect(after: pause)
            case .disconnect(let link): self.connections[link]?.close()
            case .leave(let link): self.connectors[link.rawValue].leave()
            case .send(let link, let frames): self.connections[link]?.send(frames)
            case .begin(let link, let grants): self.begin(grants, on: link)
            case .cancel(let leases): self.runner.tasks.cancel(leases)
            case .checkpointed(let answer): self.runner.checkpoints.answered(answer)
            case .note(let link, let note): self.log(.note(note), link)
            case .stop(let ending): self.ending = ending
            }
        }
    }

    /// The word that these begin must be out of this process before their first instruction: should one of them bring
    /// the process down, it is charged with that.
    private func begin(_ grants: [LeaseGrant], on link: WorkerMachine.Link) {
        let leases = grants.map(\.lease)
        let mailbox = self.mailbox
        let isSent = self.connections[link]?
            .send([.started(leases)]) { isFlushed in
                mailbox.put(isFlushed ? .started(grants) : .event(.unstarted(leases)))
            }
        if isSent != true { mailbox.put(.event(.unstarted(leases))) }
    }

    // MARK: Logs

    private enum LogLine {
        case note(WorkerMachine.Note)
        case closed(String)
    }

    private mutating func log(_ line: LogLine, _ link: WorkerMachine.Link) {
        var metadata: Logger.Metadata = ["cano.coordinator": "\(self.connectors[link.rawValue].address.text)"]
        switch line {
        case .closed(let reason):
            metadata["error"] = "\(reason)"
            // A coordinator that stays away is worth one line, not twenty a second.
            let isNew = self.unreachable.insert(link).inserted
            self.logger.log(level: isNew ? .warning : .debug, "no connection to the coordinator", metadata: metadata)
        case .note(.welcomed): self.logger.info("welcomed by the coordinator", metadata: metadata)
        case .note(.ended): self.logger.info("the session with the coordinator has ended", metadata: metadata)
        case .note(.refused(let code, let message)):
            metadata["cano.code"] = "\(code)"
            metadata["error"] = "\(message)"
            self.logger.error("refused by the coordinator", metadata: metadata)
        case .note(.distrusted(let leases)):
            metadata["cano.leases"] = "\(leases)"
            self.logger.warning("leases could not be renewed in time and are dropped", metadata: metadata)
        case .note(.violated(let problem)):
            metadata["error"] = "\(problem)"
            self.logger.error("the coordinator broke the protocol", metadata: metadata)
        }
    }
}

/// Milliseconds since it was made.
struct MonotonicClock: Sendable {
    private let origin = ContinuousClock.now

    var now: Int64 { Span(self.origin.duration(to: .now)).milliseconds }
}
