// SPDX-License-Identifier: Apache-2.0 OR MIT

import CLibPQ
import CanoEngine
import Dispatch

/// One open session of libpq, used by its ``PostgresConnection`` alone: it is not safe to share.
final class PostgresLink {
    private var session: OpaquePointer?
    /// Whether libpq holds bytes of a statement that the kernel has not taken.
    private var isSending = false
    /// The statements that the server keeps for this session, by name.
    private var kept: Set<String> = []
    /// Whether no pooler stands between; `nil` until somebody needs to know.
    private var direct: Bool?

    /// Connects and waits for it; hosts of a URI that names several are tried in turn.
    ///
    /// libpq resolves names without a bound of ours; the rest ends by the deadline, rounded to whole seconds.
    init(
        to address: PostgresAddress,
        settings: ServerSettings,
        until deadline: ContinuousClock.Instant
    ) throws(PostgresFailure) {
        let seconds = max(2, min(10, (deadline - ContinuousClock.now).components.seconds))
        while true {
            let options = settings.options
            // What stands before the URI is a default that the URI may replace.
            var parameters = [
                ("connect_timeout", "\(seconds)"), ("tcp_user_timeout", "10000"), ("keepalives_idle", "10"),
                ("keepalives_interval", "5"), ("keepalives_count", "3"), ("fallback_application_name", "cano"),
                ("client_encoding", "UTF8"), ("target_session_attrs", "read-write"),
            ]
            if let options { parameters.append(("options", options)) }
            parameters.append(("dbname", address.uri))
            let session = Self.connect(parameters)
            if PQstatus(session) == CONNECTION_OK {
                PQsetNoticeReceiver(session, { _, _ in }, nil)  // the default prints to our standard error
                PQsetnonblocking(session, 1)
                self.session = session
                return
            }
            let message = String(cString: PQerrorMessage(session))
            PQfinish(session)
            if options != nil, settings.areRefused(by: message) { continue }
            if options != nil, settings.options == nil { continue }  // refused to another connection just now
            throw .unsent(
                "cannot connect: \(PostgresAddress.firstLine(of: message)); check that the server runs and that host, "
                    + "port, database, user and password of the URI are right"
            )
        }
    }

    private static func connect(_ parameters: [(String, String)]) -> OpaquePointer? {
        let keys = parameters.map { ContiguousArray($0.0.utf8CString) }
        let values = parameters.map { ContiguousArray($0.1.utf8CString) }
        return withPointers(keys) { keys in withPointers(values) { PQconnectdbParams(keys, $0, 1) } }
    }

    private static func withPointers<Result>(
        _ texts: [ContiguousArray<CChar>],
        _ body: ([UnsafePointer<CChar>?]) -> Result
    ) -> Result {
        func collect(_ index: Int, _ pointers: inout [UnsafePointer<CChar>?]) -> Result {
            guard index < texts.count else {
                pointers.append(nil)
                return body(pointers)
            }
            return texts[index]
                .withUnsafeBufferPointer { buffer in
                    pointers.append(buffer.baseAddress)
                    return collect(index + 1, &pointers)
                }
        }
        var pointers: [UnsafePointer<CChar>?] = []
        return collect(0, &pointers)
    }

    /// Whether it can be used as far as one can tell: an idle server says nothing, unless to say good-bye.
    var isSound: Bool {
        guard let session = self.session, PQstatus(session) == CONNECTION_OK else { return false }
        return !Socket.hasInput(PQsocket(session))
    }

    /// Says good-bye and closes.
    func close() {
        PQfinish(self.session)
        self.session = nil
    }

    /// Gives up a session that may be in the middle of something: asks the server to stop it, and cuts the line.
    ///
    /// It returns at once; `PQcancel` connects anew and may block, so another thread does it.
    func abandon() {
        guard let session = self.session else { return }
        self.session = nil
        let remains = Abandoned(session: session, cancel: PQgetCancel(session))
        // The rest of a half-sent statement must never arrive, and closing alone would try to send it.
        if self.isSending { Socket.cut(PQsocket(session)) }
        Self.undertaker.async { remains.bury() }
    }

    private static let undertaker = DispatchQueue(label: "cano.postgres.cancel", attributes: .concurrent)

    deinit {
        self.close()
    }

    // MARK: Statements

    /// Runs one parameterised statement to its very end: the transaction is over when the server is ready again.
    func run<Answer>(
        _ statement: Statement<Answer>,
        _ parameters: Parameters,
        until deadline: ContinuousClock.Instant
    ) throws(PostgresFailure) -> Answer {
        let name = try self.keep(statement, parameters.types, until: deadline)
        let sent = parameters.withPointers { count, types, values, lengths, formats in
            if let name { return PQsendQueryPrepared(self.session, name, count, values, lengths, formats, 1) }
            return PQsendQueryParams(self.session, statement.text, count, types, values, lengths, formats, 1)
        }
        guard let result = try self.finish(sent: sent, until: deadline) else {
            throw .lost("the server gave no result")
        }
        defer { PQclear(result) }
        do {
            return try statement.read(Rows(result))
        } catch {
            throw .broken(error, sent: true)
        }
    }

    /// The name under which the server keeps the statement, from now on if not before; `nil` when it must not.
    private func keep<Answer>(
        _ statement: Statement<Answer>,
        _ types: [Oid],
        until deadline: ContinuousClock.Instant
    ) throws(PostgresFailure) -> String? {
        guard let name = statement.name else { return nil }
        if self.kept.contains(name) { return name }
        do {
            guard try self.isDirect(until: deadline) else { return nil }
            let sent = PQsendPrepare(self.session, name, statement.text, Int32(clamping: types.count), types)
            PQclear(try self.finish(sent: sent, until: deadline))
        } catch {
            throw error.beforehand
        }
        self.kept.insert(name)
        return name
    }

    /// Whether the session at the other end is this connection's own, asked once.
    ///
    /// The server tells its process id when a session begins, and again when asked. A pooler that lends sessions makes
    /// up the first one, because it has no session then. The names of statements would get lost between its sessions.
    private func isDirect(until deadline: ContinuousClock.Instant) throws(PostgresFailure) -> Bool {
        if let known = self.direct { return known }
        let question = Statement("SELECT pg_backend_pid()") { (rows) throws(CanoError) in try rows.first().int(0) }
        let direct = try self.run(question, Parameters(), until: deadline) == Int(PQbackendPID(self.session))
        self.direct = direct
        return direct
    }

    /// Runs the statements of a script without results.
    func script(_ text: String, until deadline: ContinuousClock.Instant) throws(PostgresFailure) {
        PQclear(try self.finish(sent: PQsendQuery(self.session, text), isScript: true, until: deadline))
    }

    private func finish(
        sent: Int32,
        isScript: Bool = false,
        until deadline: ContinuousClock.Instant
    ) throws(PostgresFailure) -> OpaquePointer? {
        guard sent == 1 else { throw .unsent("the connection was lost: \(self.reason)") }
        self.isSending = true
        try self.flush(until: deadline)
        self.isSending = false
        return try self.results(isScript: isScript, until: deadline)
    }

    private var reason: String { PostgresAddress.firstLine(of: String(cString: PQerrorMessage(self.session))) }

    /// Hands everything to the kernel; while it has not, the statement cannot have been executed to its end.
    private func flush(until deadline: ContinuousClock.Instant) throws(PostgresFailure) {
        while true {
            switch PQflush(self.session) {
            case 0: return
            case 1:
                guard Socket.wait(PQsocket(self.session), writing: true, until: deadline) else {
                    throw .unsent("the server did not take the statement within its deadline; is it overloaded?")
                }
                guard PQconsumeInput(self.session) == 1 else {
                    throw .unsent("the connection was lost while sending: \(self.reason)")
                }
            default: throw .lost("the connection was lost while sending: \(self.reason)")
            }
        }
    }

    /// Reads until the server is ready for the next statement.
    ///
    /// The server says that a statement is complete *before* it commits, and that it is ready *after*: a loss between
    /// the two, or an error behind a success, leaves the outcome open.
    private func results(
        isScript: Bool,
        until deadline: ContinuousClock.Instant
    ) throws(PostgresFailure) -> OpaquePointer? {
        var last: OpaquePointer?
        var failure: (state: String, message: String)?
        var succeeded = false
        while true {
            do {
                try self.awaitInput(until: deadline)
            } catch {
                PQclear(last)
                throw error
            }
            guard let result = PQgetResult(self.session) else { break }
            switch PQresultStatus(result) {
            case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY:
                succeeded = failure == nil
                PQclear(last)
                last = result
            default:
                failure = failure ?? Self.explain(result)
                PQclear(result)
            }
            if PQstatus(self.session) != CONNECTION_OK { break }
        }
        let isSound = PQstatus(self.session) == CONNECTION_OK && PQtransactionStatus(self.session) != PQTRANS_ACTIVE
        guard isSound else {
            PQclear(last)
            throw .lost("the connection was lost before the answer: \(failure?.message ?? self.reason)")
        }
        if let failure {
            PQclear(last)
            if succeeded && !isScript { throw .lost("the server failed while it committed: \(failure.message)") }
            throw .refused(state: failure.state, message: failure.message)
        }
        return last
    }

    private func awaitInput(until deadline: ContinuousClock.Instant) throws(PostgresFailure) {
        while PQisBusy(self.session) == 1 {
            guard Socket.wait(PQsocket(self.session), writing: false, until: deadline) else {
                throw .lost("no answer within the deadline; is it overloaded, or waiting for a lock?")
            }
            guard PQconsumeInput(self.session) == 1 else {
                throw .lost("the connection was lost before the answer: \(self.reason)")
            }
        }
    }

    private static func explain(_ result: OpaquePointer) -> (state: String, message: String) {
        let state = PQresultErrorField(result, Int32(UInt8(ascii: "C"))).map { String(cString: $0) }
        var message = PQresultErrorField(result, Int32(UInt8(ascii: "M"))).map { String(cString: $0) }
        // Of a row that is there already only the detail says which one it is.
        if state == "23505", let detail = PQresultErrorField(result, Int32(UInt8(ascii: "D"))) {
            message = (message ?? "") + ": " + String(cString: detail)
        }
        return (
            state ?? "08006",
            PostgresAddress.firstLine(of: message ?? String(cString: PQresultErrorMessage(result)))
        )
    }
}
