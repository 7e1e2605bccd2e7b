// SPDX-License-Identifier: Apache-2.0 OR MIT

import Testing

/// Real processes and real faults.
///
/// One at a time: each scenario owns several processes, and the faults are triggered by the progress of these.
@Suite("End to end", .serialized)
enum EndToEnd {}
