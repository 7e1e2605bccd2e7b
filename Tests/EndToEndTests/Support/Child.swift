// SPDX-License-Identifier: Apache-2.0 OR MIT

import Foundation

/// A process that the scenario started; it is signalled by its own id only.
final class Child {
    let name: String
    let pid: pid_t
    /// Where its standard output and error go.
    let output: String
    let errors: String
    /// Its exit code, or 128 + the signal; `nil` while it runs.
    private(set) var status: Int32?

    init(_ program: String, _ arguments: [String], name: String, in scratch: Scratch) throws {
        self.name = name
        self.output = scratch.file("\(name).out")
        self.errors = scratch.file("\(name).err")
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, self.output, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        posix_spawn_file_actions_addopen(&actions, 2, self.errors, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        let words = ([program] + arguments).map { strdup($0) } + [nil]
        let environment = ProcessInfo.processInfo.environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for word in words + environment { free(word) } }
        var pid: pid_t = 0
        let result = posix_spawn(&pid, program, &actions, nil, words, environment)
        try require(result == 0, "\(program) cannot be started: \(String(cString: strerror(result)))")
        self.pid = pid
    }

    deinit { self.end() }

    var isRunning: Bool {
        if self.status != nil { return false }
        var raw: Int32 = 0
        guard waitpid(self.pid, &raw, WNOHANG) == self.pid else { return true }
        self.status = raw & 0x7f == 0 ? (raw >> 8) & 0xff : 128 + (raw & 0x7f)
        return false
    }

    func signal(_ number: Int32) throws {
        try require(self.isRunning, "\(self.name) has ended with \(self.status ?? -1): \(text(of: self.errors))")
        try require(kill(self.pid, number) == 0, "\(self.name) cannot be signalled")
    }

    /// Kills it at once and waits until it is gone.
    func killNow() throws {
        try self.signal(SIGKILL)
        _ = try self.waitForExit()
    }

    /// Waits until every thread of it has stopped, as SIGSTOP makes them.
    func waitUntilStopped() throws {
        try wait(for: "\(self.name) to stop") { try self.stat(field: 0) == "T" }
    }

    @discardableResult
    func waitForExit(upTo seconds: Double = 180) throws -> Int32 {
        try wait(upTo: seconds, for: "\(self.name) to end") { !self.isRunning }
        return self.status ?? -1
    }

    /// Ends it, however it is.
    func end() {
        guard self.isRunning else { return }
        kill(self.pid, SIGKILL)
        while self.isRunning { usleep(1000) }
    }

    /// Resident memory in KiB.
    func residentKiB() throws -> Int {
        let line = text(of: "/proc/\(self.pid)/status").split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        let number = line?.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) }
        return try require(number, "no VmRSS of \(self.name)")
    }

    private func stat(field: Int) throws -> String {
        let stat = text(of: "/proc/\(self.pid)/stat")
        let rest = try require(stat.lastIndex(of: ")"), "\(self.name) is gone")
        return String(stat[stat.index(after: rest)...].split(separator: " ")[field])
    }
}
