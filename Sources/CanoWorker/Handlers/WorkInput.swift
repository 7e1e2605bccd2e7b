// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import FoundationEssentials

/// What a program or a request gets to see of its work.
///
/// | member     | who has it                                                                              |
/// |------------|-----------------------------------------------------------------------------------------|
/// | `context`  | everything but an undo                                                                  |
/// | `item`     | a branch                                                                                |
/// | `branches` | what runs behind a join: in the order of the items, `{"status":"ok","output":…}`,       |
/// |            | `{"status":"failed","code":…,"message":…}` or `{"status":"cancelled"}`                   |
/// | `signal`   | what runs behind a wait for a signal: what the signal said                               |
/// | `child`    | what runs behind a child: `{"run":…,"status":…,"context":…}`; with `code` and `message`  |
/// |            | when it failed                                                                          |
/// | `output`   | an undo: what the step gave, `null` when nobody knows what became of it                 |
struct WorkInput: Sendable {
    let grant: LeaseGrant

    /// The JSON object that programs read from their standard input.
    var document: [UInt8] {
        var bytes = Array("{".utf8)
        for (index, member) in self.members.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            JSONValue.write(member.name, to: &bytes)
            bytes.append(UInt8(ascii: ":"))
            member.write(&bytes)
        }
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }

    /// A member's value for a template; `nil` when this work has no such member.
    func value(named name: String) throws(WorkFailure) -> JSONValue? {
        let key = self.grant.lease.key
        switch name {
        case "run": return .string(key.run.description)
        case "state": return .string(self.grant.state)
        case "visit": return .number(JSONNumber(Int64(key.visit)))
        case "attempt": return .number(JSONNumber(Int64(self.grant.lease.attempt)))
        case "idempotencyKey": return .string(self.grant.idempotencyKey)
        default: break
        }
        guard let member = self.members.first(where: { $0.name == name }) else { return nil }
        var bytes: [UInt8] = []
        member.write(&bytes)
        do {
            return try JSONValue.parse(bytes)
        } catch {
            throw WorkFailure("invalidInput", "'\(name)' is not JSON: \(error)")
        }
    }

    /// The context as JSON; an undo has none.
    func context() throws(WorkFailure) -> JSONValue {
        guard let context = try self.value(named: "context") else {
            throw WorkFailure("invalidInput", "an undo has no context; use {{output}}")
        }
        return context
    }

    private struct Member {
        var name: String
        var write: (inout [UInt8]) -> Void

        init(_ name: String, _ payload: Payload?) {
            self.name = name
            self.write = { bytes in WorkInput.write(payload, to: &bytes) }
        }

        init(_ arrival: Arrival) {
            switch arrival {
            case .signal(let signal):
                self.name = "signal"
                self.write = { bytes in WorkInput.write(signal.payload, to: &bytes) }
            case .child(let result):
                self.name = "child"
                self.write = { bytes in WorkInput.write(result, to: &bytes) }
            }
        }

        init(branches: [BranchOutcome]) {
            self.name = "branches"
            self.write = { bytes in WorkInput.write(branches, to: &bytes) }
        }
    }

    private var members: [Member] {
        switch self.grant.input {
        case .task(let context, let branches), .router(let context, let branches), .expand(let context, let branches):
            [Member("context", context)] + (branches.map { [Member(branches: $0)] } ?? [])
                + (self.grant.arrival.map { [Member($0)] } ?? [])
        case .branch(_, let item, let context):
            [Member("context", context), Member("item", item)]
        case .undo(_, let output):
            [Member("output", output)]
        }
    }

    private static func write(_ payload: Payload?, to bytes: inout [UInt8]) {
        guard let payload, payload.count > 0 || payload.type != .json else {
            bytes.append(contentsOf: "null".utf8)
            return
        }
        switch payload.type {
        case .json: bytes.append(contentsOf: payload.bytes)
        case .text: JSONValue.write(String(decoding: payload.bytes, as: UTF8.self), to: &bytes)
        case .binary: JSONValue.write(Data(payload.bytes).base64EncodedString(), to: &bytes)
        }
    }

    private static func write(_ child: ChildResult, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: #"{"run":"#.utf8)
        JSONValue.write(child.run.description, to: &bytes)
        bytes.append(contentsOf: #","status":"#.utf8)
        JSONValue.write(RunStatus(child.outcome).name, to: &bytes)
        if case .failed(let failure) = child.outcome {
            bytes.append(contentsOf: #","code":"#.utf8)
            JSONValue.write(failure.code, to: &bytes)
            bytes.append(contentsOf: #","message":"#.utf8)
            JSONValue.write(failure.message, to: &bytes)
        }
        bytes.append(contentsOf: #","context":"#.utf8)
        Self.write(child.context, to: &bytes)
        bytes.append(UInt8(ascii: "}"))
    }

    private static func write(_ branches: [BranchOutcome], to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "["))
        for (index, branch) in branches.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            switch branch {
            case .success(let output):
                bytes.append(contentsOf: #"{"status":"ok","output":"#.utf8)
                Self.write(output, to: &bytes)
            case .failure(let failure):
                bytes.append(contentsOf: #"{"status":"failed","code":"#.utf8)
                JSONValue.write(failure.code, to: &bytes)
                bytes.append(contentsOf: #","message":"#.utf8)
                JSONValue.write(failure.message, to: &bytes)
            case .cancelled:
                bytes.append(contentsOf: #"{"status":"cancelled""#.utf8)
            }
            bytes.append(UInt8(ascii: "}"))
        }
        bytes.append(UInt8(ascii: "]"))
    }
}
