// SPDX-License-Identifier: Apache-2.0 OR MIT

import CLibPQ
import CanoEngine

/// One libpq connection. Its methods may block: they run on their own queue.
///
/// Statements are parameterised and no session state is kept, so any pooler in transaction mode may stand between; only
/// a session that is shown to be the server's own keeps statements by name (see ``Statement/name``). A connection opens
/// when it is first needed and again after it was lost; one that failed while a statement was under way is never used
/// again.
actor PostgresConnection {
    private let executor: BlockingExecutor
    private let address: PostgresAddress
    private let settings: ServerSettings
    private var link: PostgresLink?
    private var isClosed = false

    nonisolated var unownedExecutor: UnownedSerialExecutor { self.executor.asUnownedSerialExecutor() }

    /// A connection that is not open yet.
    init(to address: PostgresAddress, settings: ServerSettings) {
        self.executor = BlockingExecutor(label: "cano.postgres")
        self.address = address
        self.settings = settings
    }

    isolated deinit {
        self.link?.close()
    }

    /// Runs one statement in a transaction of its own, connecting first where that is needed.
    func run<Answer: Sendable>(
        _ statement: Statement<Answer>,
        until deadline: ContinuousClock.Instant
    ) throws(PostgresFailure) -> Answer {
        var parameters = Parameters()
        do {
            try statement.bind(&parameters)
        } catch {
            throw .broken(error, sent: false)
        }
        let link = try self.open(until: deadline, patiently: true)
        do {
            return try link.run(statement, parameters, until: deadline)
        } catch {
            self.dropIfLost(after: error)
            throw error
        }
    }

    /// Runs statements of one script, one after the other, until one fails.
    func script(_ text: String, until deadline: ContinuousClock.Instant) throws(PostgresFailure) {
        let link = try self.open(until: deadline, patiently: true)
        do {
            try link.script(text, until: deadline)
        } catch {
            self.dropIfLost(after: error)
            throw error
        }
    }

    /// Connects now, with one try, or says why that fails.
    func connect(until deadline: ContinuousClock.Instant) throws(PostgresFailure) {
        _ = try self.open(until: deadline, patiently: false)
    }

    /// Closes it for good.
    func close() {
        self.isClosed = true
        self.link?.close()
        self.link = nil
    }

    /// Closes the present link; the next statement opens another one.
    func disconnect() {
        self.link?.close()
        self.link = nil
    }

    private func dropIfLost(after failure: PostgresFailure) {
        switch failure {
        case .refused:
            if !failure.isOfTheSession { return }
        case .broken(_, let sent):
            if !sent { return }
        case .unsent, .lost:
            break
        }
        self.link?.abandon()
        self.link = nil
    }

    /// A link that is alive as far as one can know without asking.
    private func open(
        until deadline: ContinuousClock.Instant,
        patiently: Bool
    ) throws(PostgresFailure) -> PostgresLink {
        guard !self.isClosed else { throw .unsent("the store is closed") }
        if let link = self.link {
            if link.isSound { return link }
            link.close()
            self.link = nil
        }
        var backoff = Backoff()
        while true {
            do {
                let link = try PostgresLink(to: self.address, settings: self.settings, until: deadline)
                self.link = link
                return link
            } catch {
                let pause = backoff.failed()
                guard patiently, ContinuousClock.now.advanced(by: pause) < deadline else { throw error }
                Socket.sleep(for: pause)  // this thread is ours alone
            }
        }
    }
}
