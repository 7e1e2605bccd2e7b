// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine

/// What to write so that a person sees the progress: one line that changes, or a new line now and then.
struct ProgressDisplay {
    private let style: Style
    private let isLive: Bool
    private var shown = ""
    private var milestone = ""

    init(style: Style, isLive: Bool) {
        self.style = style
        self.isLive = isLive
    }

    /// The text to write for this progress; empty when there is nothing new to say.
    mutating func update(_ run: RunView, _ progress: SplitProgress, running: Int) -> String {
        let line = ProgressText.line(run, progress, running: running, self.style)
        guard line != self.shown else { return "" }
        if self.isLive {
            self.shown = line
            return "\r\u{1B}[2K\(line)"
        }
        // In a log, a line for every tenth of a split, every state and everything that went wrong.
        let tenth = progress.splits.last.map { split in split.ended * 10 / max(1, split.branches) } ?? 0
        let splits = progress.splits.count
        let state = "\(progress.state ?? "") \(run.status.name)"
        let milestone = "\(state) \(splits) \(tenth) \(progress.incidents.count)"
        guard milestone != self.milestone else { return "" }
        self.milestone = milestone
        self.shown = line
        return line + "\n"
    }

    /// What to write behind the last update.
    func finish() -> String {
        self.isLive && !self.shown.isEmpty ? "\n" : ""
    }
}
