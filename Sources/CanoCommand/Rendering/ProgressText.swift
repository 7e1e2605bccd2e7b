// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano

/// Progress of splits as text.
enum ProgressText {
    private static let barWidth = 30
    private static let listed = 40

    /// One line about where a run is, with a bar while it is in a split.
    static func line(_ run: RunView, _ progress: SplitProgress, running: Int, _ style: Style) -> String {
        let state = progress.state ?? run.state ?? ""
        guard let split = progress.splits.last, split.state == state, split.branches > 0 else {
            return "\(state) \(style.status(run.status))"
        }
        let filled = min(Self.barWidth, split.ended * Self.barWidth / split.branches)
        let bar =
            style.apply(.good, to: String(repeating: "#", count: filled))
            + style.apply(.faint, to: String(repeating: "-", count: Self.barWidth - filled))
        let percent = split.ended * 100 / split.branches
        let lost = progress.incidents.count { $0.kind == .lost }
        let retried = progress.incidents.count { $0.kind == .retried }
        var parts = ["\(state) [\(bar)] \(split.ended)/\(split.branches) \(percent)%"]
        if running > 0 { parts.append("\(running) running") }
        if split.failed > 0 { parts.append(style.apply(.bad, to: "\(split.failed) failed")) }
        if lost > 0 { parts.append(style.apply(.notable, to: "\(lost) lost")) }
        if retried > 0 { parts.append(style.apply(.notable, to: "\(retried) retried")) }
        return parts.joined(separator: ", ")
    }

    /// The branches of every split, counted, and every attempt that was lost, failed or retried.
    static func tree(_ progress: SplitProgress, _ style: Style) -> String {
        var text = ""
        for split in progress.splits {
            let decision = split.decision.map { ", join \($0)" } ?? ""
            text +=
                style.apply(.strong, to: split.state)
                + " (visit \(split.visit)): \(split.branches) branches\(decision)\n"
            let others = split.branches - split.ended
            let counts = [
                ("succeeded", split.succeeded), ("failed", split.failed), ("cancelled", split.cancelled),
                (split.decision == nil ? "open" : "not needed", others),
            ]
            .filter { $0.1 > 0 }
            for (index, count) in counts.enumerated() {
                text += (index == counts.count - 1 ? "└─ " : "├─ ") + "\(count.1) \(count.0)\n"
            }
        }
        return text + Self.incidents(progress.incidents, style)
    }

    private static func incidents(_ incidents: [SplitProgress.Incident], _ style: Style) -> String {
        guard !incidents.isEmpty else { return "" }
        var table = Table(
            .left("ATTEMPT"),
            .left("PATH"),
            .right("NO"),
            .left("WORKER"),
            .left("TOKEN"),
            .left("REASON")
        )
        for incident in incidents.prefix(Self.listed) {
            table.add(
                .init(incident.kind.rawValue, incident.kind == .failed ? .bad : .notable),
                .init(incident.path),
                .init(String(incident.attempt)),
                .init(incident.worker),
                .init(incident.token),
                .init(incident.reason)
            )
        }
        let rest = incidents.count - Self.listed
        return table.render(style) + (rest > 0 ? "… and \(rest) more; --json shows all\n" : "")
    }
}
