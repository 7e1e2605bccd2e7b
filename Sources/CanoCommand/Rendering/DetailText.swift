// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine

/// Everything about one run as text.
enum DetailText {
    private static let listedLeases = 20

    /// Header, timeline, branches and what runs now.
    static func page(_ detail: RunDetail, isWhole: Bool, _ style: Style) -> String {
        var progress = SplitProgress()
        progress.add(detail.timeline)
        let sections = [
            RunText.header(detail.run, style),
            TimelineText.table(detail.timeline, isWhole: isWhole, style),
            ProgressText.tree(progress, style),
            Self.leases(detail.leases, style),
            Self.waits(detail.waits, style),
        ]
        return sections.filter { !$0.isEmpty }.joined(separator: "\n")
    }

    /// What declared limits hold up.
    static func waits(_ waits: [WaitView], _ style: Style) -> String {
        guard !waits.isEmpty else { return "" }
        var table = Table(.left("WAITS FOR"), .left("NAME"), .left("PATH"), .right("NO"), .left("UNTIL"))
        for wait in waits.prefix(Self.listedLeases) {
            table.add(
                .init(wait.kind),
                .init(wait.limit),
                .init(wait.path),
                .init(String(wait.attempt)),
                .init(wait.until.map(TimeText.moment) ?? "")
            )
        }
        let rest = waits.count - Self.listedLeases
        return table.render(style) + (rest > 0 ? "… and \(rest) more; --json shows all\n" : "")
    }

    /// What runs now.
    static func leases(_ leases: [LeaseView], _ style: Style) -> String {
        guard !leases.isEmpty else { return "" }
        var table = Table(
            .left("RUNNING"),
            .left("PATH"),
            .right("NO"),
            .left("WORKER"),
            .left("TOKEN"),
            .left("SINCE")
        )
        for lease in leases.prefix(Self.listedLeases) {
            table.add(
                .init(lease.state),
                .init(lease.path),
                .init(String(lease.attempt)),
                .init(lease.worker),
                .init(lease.token),
                .init(TimeText.moment(lease.since))
            )
        }
        let rest = leases.count - Self.listedLeases
        return table.render(style) + (rest > 0 ? "… and \(rest) more; --json shows all\n" : "")
    }
}
