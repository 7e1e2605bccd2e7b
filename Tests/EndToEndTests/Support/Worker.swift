// SPDX-License-Identifier: Apache-2.0 OR MIT

/// Starts worker processes.
enum Worker {
    static func start(
        _ name: String,
        of coordinators: [Coordinator],
        slots: Int = 4,
        allowing program: String,
        _ options: [String] = [],
        in scratch: Scratch
    ) throws -> Child {
        let addresses = coordinators.flatMap { ["--coordinator", $0.workers] }
        let arguments = ["--name", name, "--slots", "\(slots)", "--allow-exec", program] + options
        return try Child(Programs.path(of: Programs.worker), addresses + arguments, name: name, in: scratch)
    }
}
