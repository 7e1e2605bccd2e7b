// SPDX-License-Identifier: Apache-2.0 OR MIT

import FoundationEssentials

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The terminal, or whatever the output goes to.
///
/// Nothing is buffered.
enum Console {
    /// Writes to standard output.
    static func write(_ text: String) {
        Self.write(text, to: 1)
    }

    /// Writes one line to standard error.
    static func complain(_ line: String) {
        let flat = line.split(whereSeparator: \.isNewline).joined(separator: " ")
        Self.write("cano: \(flat)\n", to: 2)
    }

    /// Whether a person watches standard output.
    static var isTerminal: Bool { isatty(1) == 1 }

    /// How text may be decorated here (https://no-color.org).
    static var style: Style {
        let environment = ProcessInfo.processInfo.environment
        let isPlain = environment["NO_COLOR"].map { !$0.isEmpty } ?? false || environment["TERM"] == "dumb"
        return Style(isColoured: Self.isTerminal && !isPlain, width: Self.width)
    }

    private static var width: Int? {
        var size = winsize()
        guard Self.isTerminal, ioctl(1, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }

    private static func write(_ text: String, to descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            #if canImport(Glibc)
                let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            #elseif canImport(Musl)
                let count = bytes.withUnsafeBytes { Musl.write(descriptor, $0.baseAddress, $0.count) }
            #else
                let count = bytes.withUnsafeBytes { Darwin.write(descriptor, $0.baseAddress, $0.count) }
            #endif
            // Nobody reads any more (a closed pipe, say): there is nobody to tell.
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }
}
